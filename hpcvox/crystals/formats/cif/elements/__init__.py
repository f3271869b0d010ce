"""Finds the element of a site in a CIF from its type symbol, its label and the formulas of its block."""
