"""What a command does, from beginning to end, without a terminal.

Most modules have the name of their command: index.py, scan.py, compare.py, lint.py, import_list.py (with list_origin.py and
list_batches.py), export_list.py. record_scan.py keeps a scan's results (`scan --record`), and banks.py exchanges with HMA
servers. The Python interface calls the same functions.
"""
