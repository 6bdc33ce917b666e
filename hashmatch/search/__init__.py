"""The reference set, ready to be searched.

searcher.py finds the matches of a file's hashes. cache.py loads all hashes of an algorithm, from the database or from files
beside it. duplicates.py finds references that show the same.
"""
