"""One file to its fingerprint, and many files to theirs in locked workers.

one_file.py reads, recognises and hashes one file, through picture.py and film.py. many_files.py does it with many, in
worker processes; examiner.py says what that and a cluster have in common. settings.py has the modes of examining, and
credibility.py checks what workers say.
"""
