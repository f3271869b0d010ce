"""Limits on cells, used when a cell is fitted to a decoded map and when a crystal is judged."""

MIN_LENGTH, MAX_LENGTH = 1.0, 60.0
"""Range of cell lengths in Å; the shortest of a known crystal is about 2 Å."""
