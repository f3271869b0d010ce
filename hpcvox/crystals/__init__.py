"""Crystals: what one is (:mod:`record`), how its CIF is read (:mod:`cif`), and where they come from.

A *source* yields entries (raw text, cheap); :func:`hpcvox.crystals.cif.parse` turns an entry into
crystals or rejections.  Nothing here knows what a crystal is later used for.
"""
