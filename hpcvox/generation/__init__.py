"""From a latent point to a crystal.

Here points are drawn and decoded (``job.py`` is what ``generate`` runs); ``placement/`` makes atoms of decoded voxels,
and ``judging/`` says which crystals are valid, plausible and new (its ``job.py`` is what ``judge`` runs).
"""
