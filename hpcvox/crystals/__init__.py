"""Crystals: the record of one (:mod:`record`), readers of its text (:mod:`formats`), and sources of crystals.

A *source* (:mod:`sources`) yields entries of raw text, which is cheap.  :func:`hpcvox.crystals.parse.parse` turns an
entry into crystals or rejects.  ``fields`` reads densities and potentials on the grid of a cell.  Nothing here knows
what crystals are used for later.
"""
