"""`hashmatch compare`: how alike two files are, and why."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hashmatch.cli.shared import sections
from hashmatch.cli.shared.app import PATHS, App, format_option, pass_app
from hashmatch.cli.shared.workers import Examining, examining_options, model_option
from hashmatch.errors import CommandError
from hashmatch.i18n import _

if TYPE_CHECKING:
    from PIL.Image import Image

    from hashmatch.fingerprints.settings import Settings
    from hashmatch.matching.vpdq import VpdqMatch
    from hashmatch.records import Fingerprint, Pixels
    from hashmatch.workflows.compare import Comparison

#: Pixels of the longer side of each picture of --save.
PICTURE_SIDE = 640


_RULE = _("The rules of vPDQ")


@sections.command(
    help=_(
        "Explain how alike two images or films are. Prints digests, distances, the tier and shared stretches. No database"
        " is needed."
    )
)
@click.argument("a", type=PATHS)
@click.argument("b", type=PATHS)
@format_option("table", "json")
@sections.option(
    "--save",
    "target",
    metavar="FILE.png",
    type=click.Path(path_type=Path),
    section=sections.OUTPUT,
    help=_("Draw both: pictures side by side, with the part of A that shows B; films over time, with frames of both."),
)
@sections.option(
    "--rule",
    type=click.Choice(["vpdq-readme", "vpdq-python"]),
    section=_RULE,
    help=_("Also say whether two films match by this published rule."),
)
@sections.option(
    "--seconds-per-hash",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    section=_RULE,
    help=_("With --rule: seconds between the frames to hash; 0: every frame."),
)
@model_option
@examining_options
@pass_app
def command(
    app: App,
    a: bytes,
    b: bytes,
    target: Path | None,
    rule: str | None,
    seconds_per_hash: float,
    model: str | None,
    form: str,
    examining: Examining,
) -> int:
    from hashmatch.fingerprints.model_files import find_models
    from hashmatch.fingerprints.settings import QueryHashing, ReferenceHashing
    from hashmatch.hashers import HASHERS
    from hashmatch.report import as_json
    from hashmatch.workflows.compare import compare

    names, limits, models = tuple(HASHERS), examining.limits, find_models(model, examining.isolation)[:1]
    query = _fingerprint(
        app, a, QueryHashing(names, limits, features=True, profile="thorough", models=models), examining
    )
    reference = _fingerprint(app, b, ReferenceHashing(names, limits, features=True, models=models), examining)
    films = [each.kind == "video" for each in (query, reference)]
    if rule is not None and not all(films):
        raise CommandError(_("--rule needs two films"))
    compared = compare(query, reference)
    by_rule = _by_rule(a, b, rule, seconds_per_hash, examining) if rule else None
    if target is not None:
        from hashmatch.report import side_by_side

        query, reference = _in_colour(a, query, examining), _in_colour(b, reference, examining)
        if any(films):
            sheet = _aligned(a, b, query, reference, compared, examining)
        else:
            sheet = side_by_side.draw(query, reference, compared)
        _save(sheet, target)
    if form == "json":
        named = by_rule and {"rule": rule, "seconds_per_hash": seconds_per_hash, **asdict(by_rule)}
        document = {"a": as_json.path_of(a), "b": as_json.path_of(b), **asdict(compared), "vpdq": named}
        as_json.dump(document, sys.stdout.buffer, indent=2)
        return 0
    for line in _lines(a, b, compared):
        click.echo(line)
    if by_rule is not None:
        text = _("{rule}: {verdict}; {query:.2f} % of {frames} frames of A, {compared:.2f} % of {others} of B")
        verdict = _("match") if by_rule.is_match else _("no match")
        click.echo(
            text.format(
                rule=rule,
                verdict=verdict,
                query=by_rule.query_percent,
                frames=by_rule.query_frames,
                compared=by_rule.compared_percent,
                others=by_rule.compared_frames,
            )
        )
    return 0


def _by_rule(a: bytes, b: bytes, rule: str, seconds: float, examining: Examining) -> VpdqMatch:
    from hashmatch.fingerprints.settings import VpdqHashing
    from hashmatch.matching.vpdq import RULES
    from hashmatch.workflows.compare import by_vpdq

    settings = VpdqHashing(seconds, examining.limits)
    return by_vpdq(_examined(a, settings, examining), _examined(b, settings, examining), RULES[rule])


def _aligned(
    a: bytes,
    b: bytes,
    query: Fingerprint,
    reference: Fingerprint,
    compared: Comparison,
    examining: Examining,
) -> Image:
    """A drawing of films. They are decoded again for single frames, now that it is known which ones."""
    from hashmatch.fingerprints.settings import SmallPictures
    from hashmatch.report.alignment_sheet import THUMBNAIL, PicturePair, draw, moments_of
    from hashmatch.workflows.compare import dots

    segments = compared.video.segments if compared.video else ()
    films = query.kind == "video", reference.kind == "video"
    moments = moments_of(segments, *films)

    def pictures(path: bytes, known: Fingerprint, times: Sequence[float | None]) -> tuple[Pixels | None, ...]:
        wanted = tuple(time for time in times if time is not None)
        if not wanted:
            return (known.pixels,) * len(times)
        settings = SmallPictures(THUMBNAIL, wanted, examining.limits, digests=False)
        return _examined(path, settings, examining).moments or (None,) * len(times)

    ours = pictures(a, query, [each.a for each in moments])
    theirs = pictures(b, reference, [each.b for each in moments])
    pairs = [PicturePair(*each) for each in zip(moments, ours, theirs, strict=True)]
    lengths = query.duration or 0.0, reference.duration or 0.0
    return draw(dots(query, reference) if all(films) else None, lengths, segments, pairs)


def _in_colour(path: bytes, known: Fingerprint, examining: Examining) -> Fingerprint:
    """A picture with its pixels, in colour, or in grey if it can only be decoded fast; a film as it is."""
    from hashmatch.fingerprints.settings import SmallPictures

    if known.kind != "image":
        return known
    pixels: Pixels | None = None
    for colour in (True, False):
        settings = SmallPictures(PICTURE_SIDE, limits=examining.limits, colour=colour, digests=False)
        pixels = pixels or _examined(path, settings, examining).pixels
    return replace(known, pixels=pixels)


def _save(sheet: Image, target: Path) -> None:
    try:
        sheet.save(target, "PNG")
    except OSError as error:
        message = _("cannot write {path}: {reason}").format(path=target, reason=error.strerror or error)
        raise CommandError(message) from error


def _fingerprint(app: App, path: bytes, settings: Settings, examining: Examining) -> Fingerprint:
    from hashmatch.escape import for_terminal
    from hashmatch.hashers import HASHERS
    from hashmatch.matching.status import NOTHING_TO_COMPARE, says_anything

    result = _examined(path, settings, examining)
    if not result.hashes:
        why = result.error.message if result.error else _("is neither an image nor a film")
        raise CommandError(os.fsdecode(path) + f": {why}")
    if result.partial and result.error:
        app.warn(f"{for_terminal(path)}: {result.error.code}: {for_terminal(result.error.message)}")
    if not says_anything(result.hashes, HASHERS, result.features):
        app.warn(f"{for_terminal(path)}: {NOTHING_TO_COMPARE.code}: {NOTHING_TO_COMPARE.message}")
    return result


def _examined(path: bytes, settings: Settings, examining: Examining) -> Fingerprint:
    from hashmatch.fingerprints.many_files import fingerprints
    from hashmatch.media.files import FoundPath

    ((_state, result),) = fingerprints([FoundPath(path)], settings, examining.isolation)
    assert result is not None
    return result


def _lines(a: bytes, b: bytes, compared: Comparison) -> Iterator[str]:
    from hashmatch.escape import for_terminal
    from hashmatch.hashers import MAIN
    from hashmatch.matching.tiers import MOST_CONTRADICTION
    from hashmatch.report.reasons import explain
    from hashmatch.report.scan_text import area_line, details_line, segment_line, straightened_lines
    from hashmatch.report.transforms import transform_name

    yield f"A  {for_terminal(a)}"
    yield f"B  {for_terminal(b)}"
    yield _("same bytes") if compared.same_bytes else _("different bytes")
    for each in compared.distances:
        text = _("{algorithm}: distance {distance} of {bits} bits").format(**asdict(each))
        quality = each.quality and _(", quality {a} and {b}").format(a=each.quality[0], b=each.quality[1])
        yield f"{text}{quality or ''}"
    if compared.distance is not None:
        text = _("compared: {view} of A with {other} of B, transform {transform}: PDQ distance {distance}")
        yield text.format(
            view=compared.view,
            other=compared.reference_view,
            transform=transform_name(compared.transform),
            distance=compared.distance,
        )
    if compared.contradiction is not None:
        yield _("blocks: contradiction {found}; true copies of one picture have at most {most}").format(
            found=compared.contradiction, most=MOST_CONTRADICTION
        )
    if compared.details is not None:
        yield details_line(compared.details)
    if compared.local is not None:
        yield area_line(compared.local)
    if compared.straightened is not None:
        yield from straightened_lines(compared.straightened)
    if compared.video is not None:
        video = compared.video
        text = _("{query:.0%} of A, {reference:.0%} of B")
        yield text.format(query=video.query_coverage, reference=video.reference_coverage)
        for segment in video.segments:
            yield "  " + segment_line(segment)
    if compared.tier is None:
        yield _("tier: none (nothing agrees)")
        return
    assert compared.reason is not None
    yield _("tier: {tier} ({reason})").format(tier=compared.tier, reason=explain(compared.reason, MAIN))
