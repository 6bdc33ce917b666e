"""Results and references as people and programs read them.

scan_text.py and reference_text.py write lines for a terminal, as_json.py JSON, as_csv.py CSV, html/ the report.
scan_file.py reads a kept scan again. side_by_side.py and alignment_sheet.py draw what `compare --save` writes. custody.py
has the facts of a scan, pictures.py small pictures for the report, reasons.py and transforms.py words for a match.
"""
