"""Generates crystals from points of the latent space.

The modules here draw points and decode them to voxels (``job.py`` runs ``hpcvox generate``).  ``placement/`` turns
decoded voxels into atoms.  ``judging/`` decides which crystals are valid, plausible and new (its ``job.py`` runs
``hpcvox judge``).
"""
