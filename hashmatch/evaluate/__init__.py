"""How well copies are found: edits as re-uploaders make them, ground truth, recall and false positives."""
