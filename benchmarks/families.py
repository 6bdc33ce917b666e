"""How many copies are found after what re-uploaders do, family by family, and which look-alikes are mixed up.

    python benchmarks/families.py                                         # everything, 20 pictures, thorough
    python benchmarks/families.py --profile fast --family story --family 'mosaic*' --pictures 40
    python benchmarks/families.py --family camera-print --each            # one edit; --each: a line for each edit
    python benchmarks/families.py --family none --look-alikes studio --look-alikes 'app-*'
    python benchmarks/families.py --family camera --model sscd            # needs hashmatch[learned]
    python benchmarks/families.py --family crop-keeps-30 --references 0   # without other pictures in the reference set

--family takes a group (social, story, television, camera, mosaic, crop-keeps-50, crop-keeps-30, perspective, turn,
stretch-crop, mark, hiding, attack, recompression, filter, halftone, distortion, several, card), the name of an edit, or a
pattern of either; "none" is none. Pictures are chosen at random by --seed from --photos (../shared/corpus/photos beside the
repository, if not said otherwise). --references more of them are in the reference set but not copied: what is found must be
told from them. Collages have others beside the picture, which are in no set, if there are still more; else made-up ones.

So are look-alikes: --look-alikes takes kinds (card, one-word, studio, lower-third, ticker, letter, magazine, emblem,
app-menu, app-chats, app-feed, flag) or patterns; all if neither this nor --family is given. There are --templates layouts of
each kind, with six texts each; re-encoded copies of all of them are scanned. --json keeps all numbers. One family takes some
five seconds of one core for each edit with 20 pictures and `thorough`, one kind of look-alikes with 10 layouts some fifteen.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import resource
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

from measure import jpegs, machine, photos_argument, stop, table

from hashmatch.evaluate.edits import EDITS
from hashmatch.evaluate.evaluation import MOST_BESIDE, evaluate
from hashmatch.evaluate.goals import CARD, FAMILIES, GOALS, LEAST_NEAR_OF_FOUND
from hashmatch.evaluate.look_alikes.kinds import KINDS
from hashmatch.evaluate.making import Edit
from hashmatch.evaluate.score_table import as_json
from hashmatch.evaluate.scores import EditResult, Evaluation, add, near_of_found, share
from hashmatch.fingerprints.model_files import NO_MODEL, find_models
from hashmatch.isolation import Isolation

#: The lines of the table that is to be reached, and the groups of edits in each.
LINES = {
    "posts of apps; stories; television": ("social", "story", "television"),
    "camera of a screen or print": ("camera",),
    "collages to 3 x 3": ("mosaic",),
    "crops that keep >= 50 % of each side": ("crop-keeps-50",),
    "crops that keep 30-40 %": ("crop-keeps-30",),
    "perspective, rotation, stretch + crop": ("perspective", "turn", "stretch-crop"),
    "marks, hiding, attack, recompression, ...": (
        *("mark", "hiding", "attack", "recompression", "filter", "halftone", "distortion"),
    ),
    "two or three of these": ("several",),
    "cards in posts, cropped, filmed": ("card",),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    photos_argument(parser)
    parser.add_argument("--profile", default="thorough", help="as of `hashmatch scan`; default thorough")
    parser.add_argument(
        "--family", action="append", help="a group, an edit, or a pattern of either; repeatable; default all"
    )
    parser.add_argument("--pictures", type=int, default=20, help="how many are copied; default 20")
    parser.add_argument("--references", type=int, default=100, help="how many others are indexed, too; default 100")
    parser.add_argument(
        "--model", default=NO_MODEL, help="learned descriptors, as of `scan`, with thorough; default none"
    )
    parser.add_argument("--look-alikes", action="append", help="a kind or a pattern; repeatable")
    parser.add_argument("--templates", type=int, default=10, help="layouts of each kind of look-alikes; default 10")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--each", action="store_true", help="also a line for each edit")
    parser.add_argument("--json", type=Path, help="write all that was measured to this file")
    arguments = parser.parse_args()
    edits = chosen(arguments.family or list(FAMILIES))
    patterns = arguments.look_alikes or ([] if arguments.family else ["*"])
    if any(edit.group == CARD for edit in edits):
        patterns.append("card")
    kinds = tuple(kind for kind in KINDS if any(fnmatch.fnmatchcase(kind.name, pattern) for pattern in patterns))
    photos = [bytes(path) for path in jpegs(arguments.photos)]
    Random(arguments.seed).shuffle(photos)
    end = arguments.pictures + arguments.references
    print(machine(), flush=True)
    done = evaluate(
        sorted(photos[: arguments.pictures]),
        others=sorted(photos[arguments.pictures : end]),
        beside=sorted(photos[end : end + MOST_BESIDE]),
        edits=edits,
        templates=arguments.templates if kinds else 0,
        kinds=kinds,
        profile=arguments.profile,
        seed=arguments.seed,
        isolation=Isolation(arguments.workers),
        models=find_models(arguments.model)[:1] if arguments.profile != "fast" else (),
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(as_json(done), indent=2), encoding="utf-8")
    show(done, arguments.each)
    return 0


def chosen(patterns: Sequence[str]) -> tuple[Edit, ...]:
    """Edits of families, and any others that are named, in their order."""
    patterns = [pattern for pattern in patterns if pattern != "none"]
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(name, pattern) for edit in EDITS for name in (edit.name, edit.group)):
            stop(f"no group and no edit is called {pattern}")
    return tuple(
        edit
        for edit in EDITS
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns for name in (edit.name, edit.group))
    )


def show(done: Evaluation, each: bool) -> None:
    """Print the table of lines and groups, what is wrong, and the time."""
    copies = sum(edit.recall.copies for edit in done.edits)
    print(f"{done.pictures} pictures, {copies:,} copies, profile {done.profile}, seed {done.seed}\n")
    rows = []
    for line, groups in LINES.items():
        rows += _line(line, [edit for edit in done.edits if edit.group in groups], GOALS[groups[0]])
        for group in groups:
            own = [edit for edit in done.edits if edit.group == group]
            rows += _line(f"  {group}", own) if len(groups) > 1 else []
            rows += [row for edit in own for row in _line(f"    {edit.edit}", [edit])] if each else []
    for edit in done.edits:
        rows += _line(edit.edit, [edit]) if edit.group not in FAMILIES else []
    heads = ["family", "copies", "found %", "near of found %", "goal: default", "thorough", "PDQ <= 31 %"]
    if rows:
        table(heads, rows)
    together = near_of_found(done.edits)
    if together is not None:
        print(f"near of what is found, all families: {together:.1%} (goal {LEAST_NEAR_OF_FOUND:.0%})")
    _wrong(done)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(f"user CPU, making copies included: {sum(each.ru_utime for each in used):.0f} s")


def _line(name: str, edits: Iterable[EditResult], goal: object = None) -> list[list[str]]:
    """At most one row."""
    recall = add(edit.recall for edit in edits)
    if not recall.copies:
        return []
    wanted = [f"{100 * (getattr(goal, name) or 0):.0f}" if goal else "" for name in ("fast", "found")]
    shares = share(recall.found, recall.copies), share(recall.near, recall.found), share(recall.plain, recall.copies)
    found, near, plain = (f"{100 * each:.1f}" for each in shares)
    return [[name, str(recall.copies), found, near, *wanted, plain]]


def _wrong(done: Evaluation) -> None:
    wrong = done.wrong
    print(f"of {wrong.pairs:,} unrelated pairs {wrong.near} near, {wrong.possible} possible", end="")
    print(f" ({1e6 * share(wrong.possible, wrong.pairs):.1f} in a million)")
    for each in done.wrong_matches[:10]:
        names = [path.rpartition(b"/")[2].decode(errors="replace") for path in (each.original, each.matched)]
        print(f"  {names[0]} by {each.edit} matched {names[1]}: {each.tier}, {each.algorithm} {each.transform}")
    rows = []
    for kind in done.look_alikes:
        same, other, own = kind.same, kind.others, kind.recall
        shares = share(same.near, same.pairs), share(same.possible, same.pairs)
        wrong = [f"{100 * each:.1f}" for each in shares]
        right = [f"{100 * share(each, own.copies):.0f}" for each in (own.near, own.found)]
        pairs = [f"{other.pairs:,}", str(other.near), str(other.possible)]
        rows.append([kind.kind, f"{same.pairs:,}", str(same.near), *wrong, *pairs, *right, str(same.plain)])
    if rows:
        print()
        heads = ["look-alikes", "pairs", "near", "near %", "possible %", "others", "near", "possible"]
        table([*heads, "own near %", "found %", "PDQ <= 31"], rows)


if __name__ == "__main__":
    raise SystemExit(main())
