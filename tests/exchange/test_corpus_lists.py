"""The lists of the measuring corpus are read as what they are; see lists/README.md there."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from hashmatch.exchange import HEAD, detect, unpacked
from hashmatch.records import BadLine, LineRemark, ListItem

#: The digests of the picture that most lists name, and its PDQ hash.
MD5 = "78bb96f826cabf4d2d07a7d2d15f6a7c"
SHA1 = "8d1532b58b4482cb826de92f7448180009c42ea0"
SHA256 = "148a4d4e5fad362f87b0e363819c9817a228551e7e9a42544a15b77c363ee1dc"
PDQ = "3a7fcade96d26a78a92d9b8b11d2f811ae2708daa1264e5971e5db810ad8b4a7"

#: File -> format, number of entries, what is known of the first one, and what is told (parts of remarks and refusals).
LISTS: dict[str, tuple[str, int, set[str], list[str]]] = {
    "lists/autopsy-7736-nsrl-no-crc.txt": ("nsrl", 1, {MD5, SHA1, "m.jpg"}, ["import it with --allow"]),
    "lists/bom-md5.txt": ("md5sum", 1, {MD5}, []),
    "lists/bsd-md5.txt": ("md5sum", 1, {MD5, "m.jpg"}, []),
    "lists/bsd-sha1.txt": ("sha1sum", 1, {SHA1, "m.jpg"}, []),
    "lists/bsd-sha256.txt": ("sha256sum", 1, {SHA256, "m.jpg"}, []),
    "lists/columns-named-otherwise.csv": ("table", 1, {MD5, SHA1, SHA256, "m.jpg"}, []),
    "lists/comments-md5.txt": ("md5sum", 1, {MD5}, []),
    "lists/crlf-upper-md5.txt": ("md5sum", 1, {MD5}, []),
    "lists/generic-comma.csv": ("table", 1, {MD5, SHA1, "m.jpg"}, []),
    "lists/generic-tab.tsv": ("table", 1, {MD5, SHA1, "m.jpg"}, []),
    "lists/generic.json": ("json", 1, {MD5, SHA1}, []),
    "lists/generic2.json": ("json", 1, {PDQ}, ["taken for PDQ"]),
    "lists/hash-col.csv": ("table", 1, {MD5, "terror"}, []),
    "lists/header-md5.csv": ("table", 1, {MD5}, []),
    "lists/mixed-digests.txt": ("digests", 3, {MD5}, []),
    "lists/msc4113-like.jsonl": ("json", 1, {PDQ, "100"}, []),
    "lists/nearly-zero-sha256.txt": ("sha256sum", 2, {"0" * 32 + "1" + "0" * 31, "x"}, []),
    "lists/pdq-photo-hasher.txt": ("pdq", 1, {PDQ, "100", "m.jpg"}, []),
    "lists/pdq-space-quality.txt": ("pdq", 1, {PDQ, "100", "m.jpg"}, []),
    "lists/powershell-getfilehash.csv": ("table", 1, {SHA256, "C:\\m.jpg"}, []),
    "lists/sha1sum.txt": ("sha1sum", 1, {SHA1, "m.jpg"}, []),
    "lists/sha256-onespace.txt": ("sha256sum", 1, {SHA256, "m.jpg"}, []),
    "lists/sha256sum-binary.txt": ("sha256sum", 1, {SHA256, "m.jpg"}, []),
    "lists/sha256sum-escaped.txt": ("sha256sum", 1, {SHA256, "a\nb.jpg"}, []),
    "lists/sha512.txt": ("digests", 0, set(), ["SHA-512 digests cannot be searched here"]),
    "lists/tsk-bodyfile.txt": ("bodyfile", 1, {MD5, "/m.jpg"}, []),
    "rds/RDS_2026.03.1_delta.sql": ("rds-delta", 0, set(), ["apply it to the full set"]),
    "rds/minimal.db": ("rds", 2, {MD5, SHA1, SHA256}, ["import it with --allow"]),
    "rds/minimal.db.gz": ("rds", 2, {MD5, SHA1, SHA256}, ["import it with --allow"]),
    "rds/rds.zip": ("rds", 2, {MD5, SHA1, SHA256}, ["import it with --allow"]),
    "rds/wal.db": ("rds", 2, {MD5, SHA1, SHA256}, ["import it with --allow"]),
    "rds/xways-md5.txt": ("table", 1, {MD5}, []),
    "rds/xways-sha1.txt": ("table", 1, {SHA1}, []),
    "tx/tx-dataset-P-s-pdq.txt": (
        "tx-lines",
        41,
        {"9914c916e7bef48f99131fe867ce23079304e1d4cfbf1c8f1cc647c845a8a247", "Some Collab"},
        [],
    ),
    "tx/tx-dataset-P.txt": (
        "tx-lines",
        56,
        {"cca18e5480e19edfe7bb5cb46eaf23d21f55cd008ea90919b5779a0ffdf103ea", "Some Collab"},
        [],
    ),
}


def known(item: ListItem) -> set[str]:
    """What an entry says, as texts."""
    hashes = [text for each in item.hashes for text in (each.hex, str(each.quality))]
    paths = [path.decode() for path in item.paths]
    return {*filter(None, (item.md5, item.sha1, item.sha256, item.collection)), *hashes, *paths, *item.labels}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_the_corpus(corpus: Path, name: str) -> None:
    form_name, count, first, expected = LISTS[name]
    path = corpus / "lists" / name
    if not path.exists():
        pytest.skip(f"the corpus has no {name}")
    with path.open("rb") as file:
        (data,) = (b"".join(inner.content) for inner in unpacked(file))
    form = detect(data[:HEAD])
    assert form and form.name == form_name
    rows = list(form.read(BytesIO(data)))
    found = [row[1] for row in rows if isinstance(row, tuple)]
    told = [row.message for row in rows if isinstance(row, (BadLine, LineRemark))]
    assert len(found) == count
    assert not count or first <= known(found[0])
    assert len(told) == len(expected) and all(part in text for part, text in zip(expected, told, strict=True))
    if name.startswith("tx/") and "pdq" in name:
        assert all(item.hashes and item.sha256 is None for item in found)
