"""Verdicts as people and programs see them: lines for a terminal, JSON, CSV."""
