"""The `rds` format, in the forms in which the NSRL publishes version 3."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path

from hashmatch.exchange import detect, get
from hashmatch.records import LineRemark, ListItem
from tests.support.list_items import MD5, SHA1, SHA256, items_of, read

RDS = get("rds")

MINIMAL = """
CREATE TABLE FILE (
 sha256     VARCHAR NOT NULL,
 sha1       VARCHAR NOT NULL,
 md5        VARCHAR NOT NULL,
 file_name  VARCHAR NOT NULL,
 file_size  INTEGER NOT NULL,
 package_id INTEGER NOT NULL,
 CONSTRAINT PK_FILE__FILE PRIMARY KEY (sha256, sha1, md5, file_name, file_size, package_id)
);
CREATE TABLE MFG (manufacturer_id INTEGER NOT NULL, name VARCHAR NOT NULL);
"""
FULL = """
CREATE TABLE METADATA (object_id INTEGER PRIMARY KEY, sha256 TEXT, sha1 TEXT, md5 TEXT, extension TEXT, bytes INTEGER);
CREATE TABLE PACKAGE_OBJECT (package_id INTEGER, object_id INTEGER);
CREATE VIEW FILE AS SELECT sha256, sha1, md5, bytes AS file_size FROM METADATA JOIN PACKAGE_OBJECT USING (object_id);
"""


def made(tmp_path: Path, script: str) -> bytes:
    path = tmp_path / "RDS_2026.03.1_modern.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path.read_bytes()


def test_a_minimal_set(tmp_path: Path) -> None:
    row = f"('{SHA256.upper()}', '{SHA1.upper()}', '{MD5.upper()}'"
    script = (
        f"{MINIMAL} INSERT INTO FILE VALUES {row}, 'a b.jpg', 3, 1), {row}, 'a b.jpg', 3, 2), ('', '', 'x', '', 0, 0);"
    )
    data = made(tmp_path, script)
    found, bad = read(RDS, data)
    item = ListItem(md5=MD5, sha1=SHA1, sha256=SHA256, size=3, paths=(b"a b.jpg",))
    assert found == {1: item, 2: item} and set(bad) == {3}
    assert (head := detect(data)) and head.name == "rds"
    remark = next(RDS.read(BytesIO(data)))
    assert isinstance(remark, LineRemark) and "--allow" in remark.message


def test_a_full_set_is_read_from_its_table_and_not_through_its_view(tmp_path: Path) -> None:
    script = f"{FULL} INSERT INTO METADATA VALUES (7, '{SHA256}', '{SHA1}', NULL, 'jpg', 3);"
    data = made(tmp_path, script)
    assert items_of(RDS, data) == [ListItem(sha1=SHA1, sha256=SHA256, size=3)]
    assert (head := detect(data)) and head.name == "rds"


def test_sqlite_files_of_others_are_not_taken_for_one(tmp_path: Path) -> None:
    data = made(tmp_path, "CREATE TABLE FILE (name TEXT)")
    assert detect(data) is None
    found, bad = read(RDS, data)
    assert found == {} and bad[1].startswith("it has no table METADATA or FILE")
