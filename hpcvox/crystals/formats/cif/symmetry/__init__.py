"""Reads the symmetry that a CIF states, by operations or by name, and applies it to the listed sites."""
