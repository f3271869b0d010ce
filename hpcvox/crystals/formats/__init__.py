"""Formats: each module reads the text of one structure, or writes it."""
