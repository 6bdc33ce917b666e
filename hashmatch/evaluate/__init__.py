"""How well copies are found: edits as re-uploaders make them, ground truth, recall and false positives.

evaluation.py runs an evaluation: originals.py chooses the pictures, copies.py makes copies by the edits of edits.py, and
temporary_set.py indexes and scans them. tally.py counts, scores.py holds the results, goals.py what they should be, and
score_table.py and plot.py show them. making.py says what an edit is; usual_edits.py lists those that are most common, with
what they do in adjustments.py, overlays.py and surroundings.py; families/ has those that show, film, cut, turn, mark or
repaint a picture. look_alikes/ has pictures of one layout with many texts; scenes.py and card_templates.py draw for all.
"""
