"""Networks that describe pictures, each declared in one module.

hashers/learned.py says what a declaration holds, and runs the networks. docs/adding-a-model.md tells how to add one. A file
with a background set lies beside its declaration.
"""
