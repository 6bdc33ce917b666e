"""The database's tables, as an ordered list of migrations. Each runs once, and is never changed after a release.

For the words, see the glossary. One `reference` is one known image or film. A `membership` says which collection (source)
knows it, and under which rule. A reference is live as long as one of its memberships is not retracted. Digests and hashes
are kept as raw bytes; a film's hashes of one algorithm and view are packed in one row.
"""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from hashmatch.store.database import APPLICATION_ID, VERSION

migrations = Migrations("hashmatch")


@migrations()
def m001_references(db: Database) -> None:
    """The first schema."""
    for statement in _M001.split(";;\n"):
        db.execute(statement)


@migrations()
def m002_row_digests(db: Database) -> None:
    """A digest of every row. Digests are made after all migrations, see upgrade.py."""
    db.execute(_M002)


@migrations()
def m003_local_features(db: Database) -> None:
    """Local features of pictures, and hashes that are too common."""
    for statement in _M003.split(";;\n"):
        db.execute(statement)


@migrations()
def m004_exchange(db: Database) -> None:
    """Who said what about a reference, and in which list; what went out; and recorded scans."""
    for statement in _M004.split(";;\n"):
        db.execute(statement)


@migrations()
def m005_decisions(db: Database) -> None:
    """What people decided about files that were found, and when a decision counts."""
    for statement in _M005.split(";;\n"):
        db.execute(statement)


@migrations()
def m006_first_list(db: Database) -> None:
    """Which digests and hashes the list had that made a reference a member of a collection."""
    db.execute(_M006)


@migrations()
def m007_quicker_digests(db: Database) -> None:
    """Digests of rows are made in another way from here on, see row_digests.py. They are made after all migrations."""


@migrations()
def m008_messages(db: Database) -> None:
    """Why a file could not be hashed is kept as a code with parameters; sentences that are there stay."""
    for statement in _M008.split(";;\n"):
        db.execute(statement)


@migrations()
def m009_voices(db: Database) -> None:
    """What is on its way to a bank on a server, and the notes of what is there."""
    for statement in _M009.split(";;\n"):
        db.execute(statement)


def apply(connection: sqlite3.Connection, version: int = VERSION) -> None:
    """Run the migrations that are still to be done, up to a version, within the current transaction."""
    db = Database(connection)
    later = [migration.name for migration in migrations.pending(db)][version - VERSION :] if version < VERSION else []
    migrations.apply(db, stop_before=later)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {version}")


_M001 = """
CREATE TABLE collection (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (length(name) > 0),
    tlp TEXT CHECK (tlp IN ('clear', 'green', 'amber', 'amber+strict', 'red')),
    note TEXT,
    created TEXT NOT NULL
) STRICT;;
CREATE TABLE reference (
    id INTEGER PRIMARY KEY,
    -- SHA-256 of the bytes; for an imported item without bytes, a digest of what identifies it (see references.py)
    identity BLOB NOT NULL UNIQUE CHECK (length(identity) = 32),
    sha256 BLOB UNIQUE CHECK (length(sha256) = 32),
    sha1 BLOB CHECK (length(sha1) = 20),
    md5 BLOB CHECK (length(md5) = 16),
    kind TEXT CHECK (kind IN ('image', 'video')),
    size INTEGER CHECK (size >= 0),
    width INTEGER,
    height INTEGER,
    duration REAL,
    partial INTEGER NOT NULL DEFAULT 0 CHECK (partial IN (0, 1)),
    -- known to be legitimate: protects what it matches from being flagged
    allow INTEGER NOT NULL DEFAULT 0 CHECK (allow IN (0, 1)),
    -- why no perceptual hash could be made of the bytes, where that is so
    error_code TEXT,
    error_message TEXT,
    added TEXT NOT NULL
) STRICT;;
CREATE INDEX reference_md5 ON reference (md5) WHERE md5 IS NOT NULL;;
CREATE INDEX reference_sha1 ON reference (sha1) WHERE sha1 IS NOT NULL;;
CREATE TABLE membership (
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    source TEXT,
    tlp TEXT CHECK (tlp IN ('clear', 'green', 'amber', 'amber+strict', 'red')),
    case_id TEXT,
    note TEXT,
    operator TEXT,
    added TEXT NOT NULL,
    retracted TEXT,
    retraction_reason TEXT,
    import_id INTEGER REFERENCES import (id),
    PRIMARY KEY (reference_id, collection_id)
) STRICT, WITHOUT ROWID;;
CREATE INDEX membership_collection ON membership (collection_id);;
CREATE TABLE recipe (
    id INTEGER PRIMARY KEY,
    -- how the pictures were decoded and sampled ("imported" where another tool did it)
    decoding TEXT NOT NULL,
    version INTEGER,
    UNIQUE (decoding, version)
) STRICT;;
CREATE TABLE hash (
    -- never used twice, so that a cache can tell which rows came after it was made
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    algorithm TEXT NOT NULL,
    view TEXT NOT NULL DEFAULT 'full',
    recipe_id INTEGER NOT NULL REFERENCES recipe (id),
    count INTEGER NOT NULL CHECK (count > 0),
    -- count hashes of equal length, one after the other
    bits BLOB NOT NULL CHECK (length(bits) % count = 0),
    -- one byte each, 0 to 100; 255 stands for unknown
    quality BLOB NOT NULL CHECK (length(quality) = count),
    -- float32 little-endian seconds each; NULL for a still image
    time BLOB CHECK (length(time) = 4 * count),
    UNIQUE (reference_id, algorithm, view)
) STRICT;;
CREATE INDEX hash_algorithm ON hash (algorithm, reference_id);;
CREATE TABLE removed_hash (
    -- what left the table above, so that a cache can tell which of its rows are no more
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash_id INTEGER NOT NULL,
    reference_id INTEGER NOT NULL,
    algorithm TEXT NOT NULL
) STRICT;;
CREATE TRIGGER hash_removal AFTER DELETE ON hash
BEGIN INSERT INTO removed_hash (hash_id, reference_id, algorithm) VALUES (old.id, old.reference_id, old.algorithm); END;;
CREATE TRIGGER hash_is_replaced_not_changed BEFORE UPDATE OF id, reference_id, algorithm, count, bits, quality, time ON hash
BEGIN SELECT RAISE(ABORT, 'hashes are replaced, not changed'); END;;
CREATE TABLE origin (
    -- tells this database from every other: 16 random bytes
    uuid BLOB NOT NULL CHECK (length(uuid) = 16)
) STRICT;;
INSERT INTO origin (uuid) VALUES (randomblob(16));;
CREATE TABLE label (
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    name TEXT NOT NULL CHECK (length(name) > 0),
    PRIMARY KEY (reference_id, name)
) STRICT, WITHOUT ROWID;;
CREATE TABLE location (
    path BLOB PRIMARY KEY,
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    seen TEXT NOT NULL
) STRICT, WITHOUT ROWID;;
CREATE INDEX location_reference ON location (reference_id);;
CREATE TABLE import (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    collection_id INTEGER REFERENCES collection (id),
    items INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    imported TEXT NOT NULL
) STRICT;;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    operator TEXT NOT NULL,
    version TEXT NOT NULL,
    command TEXT NOT NULL,
    action TEXT NOT NULL,
    -- JSON, with sorted keys
    detail TEXT NOT NULL,
    previous BLOB NOT NULL CHECK (length(previous) = 32),
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32)
) STRICT;;
CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;;
CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;;
CREATE VIEW live_reference AS
SELECT * FROM reference WHERE EXISTS (
    SELECT 1 FROM membership WHERE reference_id = reference.id AND retracted IS NULL
)
"""

_M002 = """
CREATE TABLE row_digest (
    -- of which row, by its primary key; key2 is 0 where that is one column: see row_digests.py
    of_table TEXT NOT NULL,
    key1 ANY NOT NULL,
    key2 ANY NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 16),
    PRIMARY KEY (of_table, key1, key2)
) STRICT, WITHOUT ROWID
"""

_M003 = """
-- of local features (algorithm "orb"): width and height, and where each is: see hashers/local_features.py
ALTER TABLE hash ADD COLUMN points BLOB CHECK (length(points) = 4 + 6 * count);;
CREATE TABLE common_hash (
    -- hashes that many unrelated references have, so that they are no evidence on their own: see `hashmatch lint`
    algorithm TEXT NOT NULL,
    bits BLOB NOT NULL,
    found INTEGER NOT NULL,
    added TEXT NOT NULL,
    PRIMARY KEY (algorithm, bits)
) STRICT, WITHOUT ROWID;;
DROP TRIGGER hash_is_replaced_not_changed;;
CREATE TRIGGER hash_is_replaced_not_changed
BEFORE UPDATE OF id, reference_id, algorithm, count, bits, quality, time, points ON hash
BEGIN SELECT RAISE(ABORT, 'hashes are replaced, not changed'); END
"""

_M004 = """
-- one more than the number of the last entry of the audit trail when anything of the reference last changed, so that a list
-- can hold what has changed since the one before it
ALTER TABLE reference ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;;
UPDATE reference SET revision = (SELECT coalesce(max(id), 0) + 1 FROM audit);;
CREATE INDEX reference_revision ON reference (revision);;
-- when its source last said anything of it, by the source's clock
ALTER TABLE membership ADD COLUMN changed TEXT;;
-- the list that withdrew it; NULL where a person here did
ALTER TABLE membership ADD COLUMN retraction_import_id INTEGER REFERENCES import (id);;
-- JSON array of the labels that a list gave; those that were given here are in the table label
ALTER TABLE membership ADD COLUMN labels TEXT;;
-- a list may withdraw an entry by nothing but its case
CREATE INDEX membership_case ON membership (case_id, collection_id) WHERE case_id IS NOT NULL;;
-- whose signed lists fill it, as a public key: lists of others may not
ALTER TABLE collection ADD COLUMN signer TEXT;;
-- what the list says of itself
ALTER TABLE import ADD COLUMN list TEXT;;
ALTER TABLE import ADD COLUMN sequence INTEGER;;
ALTER TABLE import ADD COLUMN since INTEGER;;
ALTER TABLE import ADD COLUMN created TEXT;;
ALTER TABLE import ADD COLUMN expires TEXT;;
ALTER TABLE import ADD COLUMN signer TEXT;;
-- NULL where it was interrupted
ALTER TABLE import ADD COLUMN finished TEXT;;
UPDATE import SET finished = imported;;
CREATE INDEX import_list ON import (list, signer);;
CREATE TABLE provenance (
    -- that a list had an entry of a reference
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    import_id INTEGER NOT NULL REFERENCES import (id),
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    -- what it had of it, separated by commas: "md5,pdq"
    carried TEXT NOT NULL,
    PRIMARY KEY (reference_id, import_id)
) STRICT, WITHOUT ROWID;;
CREATE TABLE opinion (
    -- what somebody who looked at a reference says of it; never merged
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    source TEXT NOT NULL CHECK (length(source) > 0),
    opinion TEXT NOT NULL CHECK (opinion IN ('confirmed', 'disputed', 'false-positive')),
    at TEXT NOT NULL,
    reason TEXT,
    -- the list that told of it; NULL where it was given here
    import_id INTEGER REFERENCES import (id),
    PRIMARY KEY (reference_id, source)
) STRICT, WITHOUT ROWID;;
CREATE TABLE published (
    -- lists that went out under a name, so that the next one can go on from there
    list TEXT NOT NULL,
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    revision INTEGER NOT NULL,
    -- JSON, with sorted keys: what was chosen to go out
    selection TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (list, sequence)
) STRICT, WITHOUT ROWID;;
CREATE TABLE pushed (
    -- contents of banks on servers that were made of references here
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    bank TEXT NOT NULL,
    content_id INTEGER NOT NULL,
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    -- of what was pushed
    digest TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    at TEXT NOT NULL,
    UNIQUE (server, bank, content_id)
) STRICT;;
CREATE INDEX pushed_reference ON pushed (server, bank, reference_id);;
CREATE TABLE recorded_scan (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    operator TEXT NOT NULL,
    version TEXT NOT NULL,
    -- JSON, with sorted keys
    settings TEXT NOT NULL,
    finished TEXT
) STRICT;;
CREATE TABLE recorded_result (
    -- files of a scan that matched something
    id INTEGER PRIMARY KEY,
    scan_id INTEGER NOT NULL REFERENCES recorded_scan (id),
    path BLOB NOT NULL,
    sha256 BLOB CHECK (length(sha256) = 32),
    status TEXT NOT NULL,
    tier TEXT
) STRICT;;
CREATE INDEX recorded_result_scan ON recorded_result (scan_id);;
CREATE TABLE recorded_match (
    result_id INTEGER NOT NULL REFERENCES recorded_result (id),
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    tier TEXT NOT NULL,
    -- JSON: the match as it was printed
    evidence TEXT NOT NULL,
    PRIMARY KEY (result_id, reference_id)
) STRICT, WITHOUT ROWID;;
CREATE INDEX recorded_match_reference ON recorded_match (reference_id)
"""

_M005 = """
CREATE TABLE decision (
    -- what a person said of a file (its bytes) and a reference; rows are only added, see review_decisions.py
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    verdict TEXT NOT NULL CHECK (
        verdict IN ('confirmed', 'false-positive', 'allow', 'dispute', 'second-look', 'withdrawn')
    ),
    reviewer TEXT NOT NULL CHECK (length(reviewer) > 0),
    note TEXT,
    at TEXT NOT NULL
) STRICT;;
CREATE INDEX decision_pair ON decision (sha256, reference_id);;
CREATE INDEX decision_reference ON decision (reference_id);;
CREATE TRIGGER decision_is_append_only_update BEFORE UPDATE ON decision
BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;;
CREATE TRIGGER decision_is_append_only_delete BEFORE DELETE ON decision
BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;;
CREATE TABLE review_rule (
    -- "needed": how many people must agree; "source": as whom opinions are given
    name TEXT PRIMARY KEY CHECK (name IN ('needed', 'source')),
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID
"""

_M006 = """
-- what the list had to know a file by that made it a member, separated by commas: "md5,pdq"; of later lists see provenance
ALTER TABLE membership ADD COLUMN carried TEXT
"""

_M008 = """
-- the code of our own message, see messages.py; NULL where error_message holds the words of others, or, in rows from before
-- version 8, a sentence in the language of whoever indexed
ALTER TABLE reference ADD COLUMN error_detail TEXT;;
-- JSON object: what fills the placeholders of the message
ALTER TABLE reference ADD COLUMN error_parameters TEXT
"""

_M009 = """
-- the note that the content has there from us; NULL where the server knows no notes
ALTER TABLE pushed ADD COLUMN note TEXT;;
CREATE TABLE sent (
    -- contents that were sent to banks on servers, and whose numbers there are not known yet
    id INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    bank TEXT NOT NULL,
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    -- JSON object: by type
    signals TEXT NOT NULL,
    note TEXT NOT NULL UNIQUE,
    -- the highest number that the server was known to have given before
    after INTEGER NOT NULL,
    at TEXT NOT NULL
) STRICT
"""
