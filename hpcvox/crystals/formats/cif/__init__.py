"""Reads CIFs; a crystal is taken only if it agrees with everything that the file says of it."""
