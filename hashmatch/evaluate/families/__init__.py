"""Families of edits after which a picture is no longer in its place, or no longer looks itself.

family_edits.py lists them; each of the other modules draws one kind. All that they need beside the picture is made up: apps'
screens, studios, flags and other pictures are drawn here, by no one's design.
"""
