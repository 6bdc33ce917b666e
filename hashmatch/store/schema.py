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
    """Whose word everything is, what was given to whom, and what people here decided beside what lists say."""
    for statement in _M009.split(";;\n"):
        db.execute(statement)


@migrations()
def m010_withdrawn_records(db: Database) -> None:
    """Records that were withdrawn before they came."""
    db.execute(_M010)


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
CREATE TABLE voice (
    -- whose word something is, see voices.py; number 1 is people here
    id INTEGER PRIMARY KEY,
    -- '': people here; a public key; 'interface:NAME'; 'hma:URL'; 'origin:HEX', another reference set; 'unsigned'
    owner TEXT NOT NULL,
    -- for whom the owner passes it on; '': for itself
    author TEXT NOT NULL,
    -- whether it is a key that signed lists of this reference set
    ours INTEGER NOT NULL DEFAULT 0 CHECK (ours IN (0, 1)),
    UNIQUE (owner, author)
) STRICT;;
INSERT INTO voice (id, owner, author) VALUES (1, '', '');;
CREATE TABLE key_trust (
    -- keys whose allow list counts without a person's word on each entry
    public_key TEXT PRIMARY KEY,
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;;
CREATE TABLE hand_over (
    -- keys that were replaced; statement: the old key's signed word, NULL where the user decided
    old_key TEXT PRIMARY KEY,
    new_key TEXT NOT NULL,
    at TEXT NOT NULL,
    statement TEXT
) STRICT, WITHOUT ROWID;;
DROP VIEW live_reference;;

CREATE TABLE collection_9 (
    id INTEGER PRIMARY KEY,
    voice_id INTEGER NOT NULL DEFAULT 1 REFERENCES voice (id),
    name TEXT NOT NULL CHECK (length(name) > 0),
    tlp TEXT CHECK (tlp IN ('clear', 'green', 'amber', 'amber+strict', 'red')),
    note TEXT,
    created TEXT NOT NULL,
    UNIQUE (voice_id, name)
) STRICT;;
-- Whose word each membership is. Lists without a signature had no owner but the interface that their format belongs to.
CREATE TEMP TABLE said AS
SELECT reference_id, membership.collection_id,
    CASE WHEN import_id IS NULL THEN ''
         WHEN collection.signer IS NOT NULL THEN collection.signer
         WHEN import.signer IS NOT NULL THEN import.signer
         WHEN import.format IN ('threatexchange', 'tat', 'stopncii', 'ncmec') THEN 'interface:' || import.format
         ELSE 'unsigned' END AS owner,
    collection.name AS name
FROM membership JOIN collection ON collection.id = membership.collection_id LEFT JOIN import ON import.id = import_id;;
INSERT OR IGNORE INTO voice (owner, author)
SELECT DISTINCT owner, CASE WHEN owner = 'unsigned' THEN name ELSE '' END FROM said;;
-- A collection keeps its number under the voice that most of it is from.
CREATE TEMP TABLE share AS
SELECT collection_id, owner, CASE WHEN owner = 'unsigned' THEN name ELSE '' END AS author,
    row_number() OVER (PARTITION BY collection_id ORDER BY count(*) DESC, owner) AS place
FROM said GROUP BY collection_id, owner, name;;
INSERT INTO collection_9 (id, voice_id, name, tlp, note, created)
SELECT collection.id, coalesce(voice.id, 1), name, tlp, note, created FROM collection
LEFT JOIN share ON share.collection_id = collection.id AND place = 1
LEFT JOIN voice ON voice.owner = share.owner AND voice.author = share.author;;
INSERT INTO collection_9 (voice_id, name, tlp, note, created)
SELECT voice.id, name, tlp, note, created FROM share JOIN collection ON collection.id = collection_id
JOIN voice ON voice.owner = share.owner AND voice.author = share.author WHERE place > 1 ORDER BY collection_id, place;;
-- Which list named it: its collection may be another one from here on.
UPDATE membership SET collection_id = (
    SELECT collection_9.id FROM said JOIN voice ON voice.owner = said.owner
        AND voice.author = CASE WHEN said.owner = 'unsigned' THEN said.name ELSE '' END
    JOIN collection_9 ON collection_9.voice_id = voice.id AND collection_9.name = said.name
    WHERE said.reference_id = membership.reference_id AND said.collection_id = membership.collection_id
) WHERE (reference_id, collection_id) IN (
    SELECT reference_id, said.collection_id FROM said JOIN share ON share.collection_id = said.collection_id
    AND share.owner = said.owner WHERE place > 1
);;
DROP TABLE collection;;
ALTER TABLE collection_9 RENAME TO collection;;

-- what a word says beyond what the reference itself has: it counts as long as the word stands
CREATE TABLE stated (
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    md5 BLOB CHECK (length(md5) = 16),
    sha1 BLOB CHECK (length(sha1) = 20),
    sha256 BLOB CHECK (length(sha256) = 32),
    size INTEGER CHECK (size >= 0),
    width INTEGER,
    height INTEGER,
    duration REAL,
    PRIMARY KEY (reference_id, collection_id)
) STRICT, WITHOUT ROWID;;
CREATE INDEX stated_md5 ON stated (md5) WHERE md5 IS NOT NULL;;
CREATE INDEX stated_sha1 ON stated (sha1) WHERE sha1 IS NOT NULL;;
CREATE INDEX stated_sha256 ON stated (sha256) WHERE sha256 IS NOT NULL;;
-- whether the word is that it is legitimate
ALTER TABLE membership ADD COLUMN allow INTEGER NOT NULL DEFAULT 0 CHECK (allow IN (0, 1));;
-- what the source calls its record, and from when on it no longer stands by it
ALTER TABLE membership ADD COLUMN record TEXT;;
ALTER TABLE membership ADD COLUMN expires TEXT;;
-- when people here took it back, and why: beside what its source says of it
ALTER TABLE membership ADD COLUMN taken_back TEXT;;
ALTER TABLE membership ADD COLUMN taken_back_reason TEXT;;
-- when anything of it last changed here, by our own clock, which orders what we pass on; NULL: when its list was imported
ALTER TABLE membership ADD COLUMN touched TEXT;;
CREATE INDEX membership_record ON membership (record, collection_id) WHERE record IS NOT NULL;;
DROP INDEX membership_case;;
-- until now the ids of some interfaces stood in the case
UPDATE membership SET record = case_id, case_id = NULL WHERE import_id IS NOT NULL AND (
    case_id LIKE 'threatexchange:%' OR case_id LIKE 'tat:%' OR case_id LIKE 'ncmec:%');;
UPDATE membership
SET taken_back = retracted, taken_back_reason = retraction_reason, retracted = NULL, retraction_reason = NULL
WHERE retracted IS NOT NULL AND import_id IS NOT NULL AND retraction_import_id IS NULL;;
-- Where the source withdrew it after people here had, the audit trail remembers what they said.
CREATE TEMP TABLE taken AS
SELECT json_extract(detail, '$.reference') AS reference_id, json_extract(detail, '$.collection') AS name,
    json_extract(detail, '$.before[0]') AS at, json_extract(detail, '$.before[1]') AS reason, max(id)
FROM audit WHERE action = 'retract' AND detail LIKE '%"before":%' GROUP BY 1, 2;;
UPDATE membership SET (taken_back, taken_back_reason) = (
    SELECT at, reason FROM taken JOIN collection ON collection.name = taken.name
    WHERE taken.reference_id = membership.reference_id AND collection.id = collection_id)
WHERE retraction_import_id IS NOT NULL AND taken_back IS NULL
    AND reference_id IN (SELECT reference_id FROM taken WHERE at IS NOT NULL);;
UPDATE membership SET allow = 1 WHERE reference_id IN (SELECT id FROM reference WHERE allow);;

-- what people here decided of the allow list: 1 on it, 0 off it, NULL nothing
ALTER TABLE reference ADD COLUMN allow_here INTEGER CHECK (allow_here IN (0, 1));;
-- whether only lists have it on the allow list
ALTER TABLE reference ADD COLUMN pending INTEGER NOT NULL DEFAULT 0 CHECK (pending IN (0, 1));;
CREATE TEMP TABLE decided AS
SELECT json_extract(detail, '$.reference') AS reference_id, action != 'disallow' AS allow, max(id) FROM audit
WHERE (action IN ('allow', 'disallow') OR (action IN ('add', 'join') AND json_extract(detail, '$.allow')))
    AND json_extract(detail, '$.import') IS NULL GROUP BY 1;;
UPDATE reference SET allow_here = (SELECT allow FROM decided WHERE reference_id = reference.id)
WHERE id IN (SELECT reference_id FROM decided);;
UPDATE reference SET pending = 1 WHERE allow AND allow_here IS NULL;;
CREATE INDEX reference_pending ON reference (id) WHERE pending;;

CREATE TABLE opinion_9 (
    -- what somebody who looked at a reference says of it; never merged
    id INTEGER PRIMARY KEY,
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    voice_id INTEGER NOT NULL REFERENCES voice (id),
    source TEXT NOT NULL CHECK (length(source) > 0),
    opinion TEXT NOT NULL CHECK (opinion IN ('confirmed', 'disputed', 'false-positive')),
    at TEXT NOT NULL,
    reason TEXT,
    -- the list that told of it; NULL where it was given here
    import_id INTEGER REFERENCES import (id),
    UNIQUE (reference_id, voice_id, source)
) STRICT;;
CREATE TEMP TABLE told AS
SELECT opinion.*, coalesce((
        SELECT name FROM membership JOIN collection ON collection.id = membership.collection_id
        WHERE membership.reference_id = opinion.reference_id AND membership.import_id = opinion.import_id LIMIT 1
    ), (
        SELECT name FROM provenance JOIN collection ON collection.id = provenance.collection_id
        WHERE provenance.reference_id = opinion.reference_id AND provenance.import_id = opinion.import_id
    ), source) AS teller,
    CASE WHEN import_id IS NOT NULL AND import.signer IS NOT NULL THEN import.signer
         WHEN import.format IN ('threatexchange', 'tat', 'stopncii', 'ncmec') THEN 'interface:' || import.format
         WHEN import_id IS NOT NULL THEN 'unsigned'
         WHEN source LIKE 'HMA http%' THEN 'hma:' || substr(source, 5, instr(substr(source, 5) || ' ', ' ') - 1)
         ELSE '' END AS owner
FROM opinion LEFT JOIN import ON import.id = import_id;;
INSERT OR IGNORE INTO voice (owner, author)
SELECT DISTINCT owner, CASE WHEN owner = 'unsigned' THEN teller ELSE '' END FROM told ORDER BY 1, 2;;
INSERT INTO opinion_9 (reference_id, voice_id, source, opinion, at, reason, import_id)
SELECT reference_id, voice.id, source, opinion, at, reason, import_id FROM told JOIN voice ON voice.owner = told.owner
    AND voice.author = CASE WHEN told.owner = 'unsigned' THEN teller ELSE '' END ORDER BY reference_id, source;;
DROP TABLE opinion;;
ALTER TABLE opinion_9 RENAME TO opinion;;
DROP TABLE temp.said;;
DROP TABLE temp.share;;
DROP TABLE temp.told;;
DROP TABLE temp.taken;;
DROP TABLE temp.decided;;

-- of which reference set the list says that it is
ALTER TABLE import ADD COLUMN origin TEXT;;
CREATE TABLE returned (
    -- our own word that a list brought back: the date of the newest, so that an older one brings back no opinions
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    voice_id INTEGER NOT NULL REFERENCES voice (id),
    changed TEXT NOT NULL,
    PRIMARY KEY (reference_id, voice_id)
) STRICT, WITHOUT ROWID;;
CREATE TABLE given (
    -- what a named list last gave of an entry, so that the next one can withdraw it
    id INTEGER PRIMARY KEY,
    list TEXT NOT NULL,
    reference_id INTEGER NOT NULL REFERENCES reference (id),
    collection_id INTEGER NOT NULL REFERENCES collection (id),
    tlp TEXT CHECK (tlp IN ('clear', 'green', 'amber', 'amber+strict', 'red')),
    -- the date that the entry had
    changed TEXT NOT NULL,
    withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
    -- names of the digests and hashes that any number had of it, with commas; NULL: all that the word has
    carried TEXT,
    -- in which number it became so
    sequence INTEGER NOT NULL,
    UNIQUE (list, reference_id, collection_id)
) STRICT;;
CREATE INDEX given_reference ON given (reference_id, collection_id);;
-- Until now nobody noted what a list gave: take for given what its last selection lets out.
CREATE TEMP TABLE rank (tlp TEXT PRIMARY KEY, number INTEGER);;
INSERT INTO rank VALUES ('clear', 1), ('green', 2), ('amber', 3), ('amber+strict', 4), ('red', 5);;
CREATE TEMP TABLE marked AS
SELECT reference_id, max(coalesce(own.number, 0), coalesce(rule.number, 0)) AS number
FROM (SELECT reference_id, membership.tlp AS own, collection.tlp AS rule FROM membership
    JOIN collection ON collection.id = collection_id) AS marks
LEFT JOIN rank AS own ON own.tlp = marks.own LEFT JOIN rank AS rule ON rule.tlp = marks.rule;;
INSERT INTO given (list, reference_id, collection_id, tlp, changed, withdrawn, sequence)
SELECT list, membership.reference_id, collection_id, rank.tlp, coalesce(changed, added), 0, sequence
FROM (SELECT list, max(sequence) AS sequence, selection FROM published GROUP BY list)
JOIN membership JOIN collection ON collection.id = collection_id
JOIN (SELECT reference_id, max(number) AS number FROM marked GROUP BY reference_id) AS strictest
    ON strictest.reference_id = membership.reference_id
LEFT JOIN rank ON rank.number = strictest.number
WHERE strictest.number <= (SELECT number FROM rank WHERE tlp = json_extract(selection, '$.max_tlp'))
    AND (json_array_length(selection, '$.collections') = 0
        OR name IN (SELECT value FROM json_each(selection, '$.collections')))
    AND NOT EXISTS (SELECT 1 FROM json_each(selection, '$.labels') AS wanted WHERE wanted.value NOT IN (
        SELECT label.name FROM label WHERE label.reference_id = membership.reference_id
        UNION SELECT given_label.value FROM membership AS other, json_each(other.labels) AS given_label
        WHERE other.reference_id = membership.reference_id));;
DROP TABLE temp.rank;;
DROP TABLE temp.marked;;
CREATE VIEW live_membership AS
SELECT * FROM membership WHERE retracted IS NULL AND taken_back IS NULL
    AND (expires IS NULL OR expires > strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));;
CREATE VIEW live_reference AS
SELECT * FROM reference WHERE EXISTS (SELECT 1 FROM live_membership WHERE reference_id = reference.id);;
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

_M010 = """
CREATE TABLE withdrawn_record (
    -- what a source withdrew by the name of its record alone: an older word in it that comes later is withdrawn, too
    voice_id INTEGER NOT NULL REFERENCES voice (id),
    record TEXT NOT NULL CHECK (length(record) > 0),
    -- when its source said so
    changed TEXT NOT NULL,
    retracted TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (voice_id, record)
) STRICT, WITHOUT ROWID
"""
