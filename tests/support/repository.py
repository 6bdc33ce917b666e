"""Where the files of this repository are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
UPLOADS = FIXTURES / "uploads"
#: Photographs and films by others, to measure with. They are not part of the repository.
CORPUS = ROOT.parent / "shared" / "corpus"
