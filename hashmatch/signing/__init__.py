"""Signed lists: who made a list, and that nobody changed it since, in the format of the public tool minisign.

minisign.py knows keys and signatures, statement.py what a signer says of a list, keys.py where keys live,
signed_lists.py signs and verifies files, and acceptance.py decides whether a list is taken. Nothing here knows the database.
"""
