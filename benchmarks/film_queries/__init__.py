"""Query films whose truth is known: edited copies, clips, compilations, and films that must match nothing."""
