"""Crystals: what one is (:mod:`record`), how its text is read (:mod:`parse`), and where they come from.

A *source* yields entries (raw text, cheap); :func:`hpcvox.crystals.parse.parse` turns an entry into
crystals or rejections.  Nothing here knows what a crystal is later used for.
"""
