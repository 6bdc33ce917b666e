"""A scan as one HTML file that a person reads, files and hands on: no network, nothing from elsewhere, inert.

contents.py sorts the results into the sections of the page. match_cards.py words each match, scan_facts.py the scan as a
whole. drawings.py computes the diagrams. page.py writes the file from the templates.
"""
