"""A scan as one HTML file that a person reads, files and hands on: no network, nothing from elsewhere, inert.

contents.py sorts results into what the page shows; match_cards.py and scan_facts.py put it into words; drawings.py computes what is
drawn; page.py writes it through the templates.
"""
