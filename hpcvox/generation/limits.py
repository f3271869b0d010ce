"""Limits that hold where a crystal's cell is read off a map and where the crystal is judged."""

MIN_LENGTH, MAX_LENGTH = 1.0, 60.0
"""Cell lengths in Å outside this range are no crystal's: the shortest known is about 2 Å."""
