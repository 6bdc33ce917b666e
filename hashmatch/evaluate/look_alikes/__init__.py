"""Made-up pictures that look alike and are not the same: one layout with many texts, or one flag in many colours.

kinds.py lists them; the other modules draw them. Two pictures of one layout are different publications, though most of their
pixels are equal.
"""
