"""The known labels: a small TOML file that people edit, in facets such as media type, entity and behaviour.

A label of the taxonomy is written "facet:name". Other labels are kept, too, and a remark says that they are unknown.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hashmatch.errors import CommandError
from hashmatch.i18n import _

#: The one that comes with the package.
DEFAULT = Path(__file__).with_name("taxonomy.toml")
#: Bytes of a file. One that people edit is far smaller.
LARGEST = 1 << 20
#: Unknown labels to name, of however many a list may have.
MOST_REMARKS = 50
#: Known labels to compare an unknown one with.
MOST_CANDIDATES = 1000

_KEY = re.compile(r"[^\s:\x00-\x1f]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Facet:
    """One respect in which media are labelled. labels: by name, what each means. open: whether it takes any name."""

    name: str
    title: str
    description: str
    open: bool
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The facets, by name, and the file that they come from."""

    path: Path
    facets: dict[str, Facet]

    def __contains__(self, label: str) -> bool:
        facet, separator, name = label.partition(":")
        known = self.facets.get(facet) if separator else None
        return known is not None and (name in known.labels or (known.open and bool(name.strip())))

    def labels(self) -> Iterator[str]:
        """All labels that are named, in the order of the file."""
        for facet in self.facets.values():
            for name in facet.labels:
                yield f"{facet.name}:{name}"

    def further(self, facet: Facet, labels: Iterable[str]) -> Iterator[str]:
        """Those of some labels that a facet takes although it does not name them."""
        for label in labels:
            its_facet, _separator, name = label.partition(":")
            if its_facet == facet.name and name not in facet.labels and label in self:
                yield label

    def nearest(self, label: str) -> str | None:
        """The known label that an unknown one may have meant."""
        import difflib

        candidates = list(itertools.islice(self.labels(), MOST_CANDIDATES))
        found = difflib.get_close_matches(label[:100].lower(), candidates, 1, 0.8)
        return found[0] if found else None


def place(database: Path) -> Path:
    """Where the taxonomy of a database is: beside it."""
    return database.with_name("taxonomy.toml")


def load(database: Path) -> Taxonomy:
    """The taxonomy beside a database, or the default. Raises CommandError if there is one that makes no sense."""
    own = place(database)
    return read(own if os.path.lexists(own) else DEFAULT)


def read(path: Path) -> Taxonomy:
    """Read a taxonomy file. Raises CommandError if it cannot be read or makes no sense."""
    import tomllib

    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(_("it is longer than {limit:,} bytes").format(limit=LARGEST))
        facets = {name: _facet(name, table) for name, table in tomllib.loads(content.decode("utf-8")).items()}
    except (OSError, ValueError, RecursionError) as error:  # ValueError: from tomllib, and from UTF-8
        reason = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        message = _("the taxonomy {path} cannot be used: {reason}")
        raise CommandError(message.format(path=path, reason=reason or error)) from error
    return Taxonomy(path, facets)


def copy_default(database: Path) -> Path:
    """Put the default beside a database, to be edited. Raises CommandError if there is one already, which stays."""
    path = place(database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            try:
                file.write(DEFAULT.read_bytes())
                file.flush()
            except BaseException:
                with contextlib.suppress(OSError):
                    path.unlink()
                raise
    except OSError as error:
        message = _("cannot write {path}: {reason}")
        raise CommandError(message.format(path=path, reason=error.strerror or error)) from error
    return path


class Remarks:
    """Says once about each label that it is not in the taxonomy."""

    def __init__(self, taxonomy: Callable[[], Taxonomy | None]) -> None:
        """taxonomy: called when the first label comes; returns None if there is no taxonomy to compare labels with."""
        self._load = taxonomy
        self._taxonomy: Taxonomy | None = None
        self._loaded = False
        self._told: set[str] = set()

    def __call__(self, labels: Iterable[str]) -> Iterator[str]:
        """The remarks on these labels that have not been made yet, each a line for a person."""
        for label in labels:
            if not self._loaded:
                self._taxonomy, self._loaded = self._load(), True
            if self._taxonomy is None or label in self._taxonomy or label in self._told:
                continue
            if len(self._told) > MOST_REMARKS:
                return
            self._told.add(label)
            yield self._remark(label, self._taxonomy)

    def _remark(self, label: str, taxonomy: Taxonomy) -> str:
        if len(self._told) > MOST_REMARKS:
            return _("more labels are not in the taxonomy; they are kept, and `hashmatch label --list` names them")
        nearest = taxonomy.nearest(label)
        if nearest is None:
            return _("the label '{label}' is not in the taxonomy; it is kept").format(label=label)
        text = _("the label '{label}' is not in the taxonomy; it is kept (is '{nearest}' meant?)")
        return text.format(label=label, nearest=nearest)


def _facet(name: str, table: Any) -> Facet:
    """Read one table of the file. Raises ValueError if it is not a facet."""
    if not isinstance(table, dict) or not _KEY.fullmatch(name):
        raise ValueError(_("{name!r} is not a facet: a table whose name has no colon or space").format(name=name))
    unknown = table.keys() - {"title", "description", "open", "labels"}
    if unknown:
        message = _("facet {name!r} has an unknown key: {keys}")
        raise ValueError(message.format(name=name, keys=", ".join(sorted(unknown))))
    title, description, labels = table.get("title", name), table.get("description", ""), table.get("labels", {})
    texts = [title, description, *labels.values()] if isinstance(labels, dict) else [labels]
    if not isinstance(labels, dict) or not all(isinstance(text, str) for text in texts) or not all(labels):
        message = _("facet {name!r}: its title and description are texts, and its labels a table of names and texts")
        raise ValueError(message.format(name=name))
    is_open = table.get("open", False)
    if not isinstance(is_open, bool):
        raise ValueError(_("facet {name!r}: open is true or false").format(name=name))
    return Facet(name, title, description, is_open, labels)
