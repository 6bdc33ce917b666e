"""Helpers that several test modules share. Import them as `from tests.support.NAME import ...`.

Fixtures are in the conftest.py of the folder that uses them. No test imports a conftest or another test.
"""
