"""Signed lists prove who made a list, and that nobody has changed it since, in the format of the public tool minisign.

minisign.py has keys and signatures, statement.py what a signer says about a list, keys.py the folder of keys.
signed_lists.py signs and verifies files, acceptance.py decides whether to accept a list. Nothing here uses the database.
"""
