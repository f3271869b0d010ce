"""Formats: how the text of one structure becomes its cell or, of a CIF, its crystals."""
