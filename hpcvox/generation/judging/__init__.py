"""Judges candidates: which are valid, plausible, distinct and new, and how they compare with held-out crystals."""
