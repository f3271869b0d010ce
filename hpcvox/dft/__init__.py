"""``hpcvox dft``: computes densities by density-functional theory with GPAW, and writes them as field files.

GPAW has another licence (GPL-3) and is optional.  Only :mod:`hpcvox.calculators.scf` imports it, which runs in a
process of its own for each crystal and answers by files.
"""
