"""The reference set: one SQLite file of known media, their hashes, sources and history; never the media themselves.

All SQL on our tables stands here. schema.py has the tables and migrations, opening.py and database.py open the file,
upgrade.py brings an older one up to date. lookup.py, word_facts.py and hash_rows.py read; references.py, list_entries.py
(with prepared_entries.py and new_references.py), source_records.py, membership.py and curate.py write. audit.py,
row_digests.py, verify.py and backup.py keep it sound. scans.py and review_decisions.py keep what scans found and what
people decided.
"""

from hashmatch.store.database import Store
from hashmatch.store.opening import open_store, scratch_store

__all__ = ["Store", "open_store", "scratch_store"]
