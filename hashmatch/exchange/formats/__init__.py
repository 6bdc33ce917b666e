"""The list formats: one module per format, with a constant `FORMAT` that declares what it can carry, read and write.

checksums.py has two (md5sum and sha256sum). Large formats have helpers beside them: misp_*.py, stix_*.py, vics_reading.py.
Several formats share digest_tables.py (tables of forensic programs), vpdq_frames.py (films as frames), tx_signals.py and
partners.py (hash-sharing services).
"""
