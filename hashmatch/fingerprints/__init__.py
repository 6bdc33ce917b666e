"""One file to its fingerprint, and many files to theirs in locked workers."""
