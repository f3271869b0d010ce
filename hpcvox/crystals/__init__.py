"""Crystals: what one is (:mod:`record`), how its text is read (:mod:`formats`), and where they come from.

A *source* (:mod:`sources`) yields entries (raw text, cheap); :func:`hpcvox.crystals.parse.parse` turns an entry
into crystals or rejects.  ``fields`` are densities and potentials on a cell's grid.  Nothing here knows what a
crystal is later used for.
"""
