"""What a command does, from beginning to end, without a terminal.

Most modules have the name of their command: index.py, scan.py, compare.py, lint.py, import_list.py, export_list.py. What
import_list.py needs stands in list_*.py: the lists in a file, reading them in a locked process, their lines on the way from
there, who made a list, and how its entries become memberships. record_scan.py keeps a scan's results (`scan --record`), and
banks.py exchanges with HMA servers. The Python interface calls the same functions.
"""
