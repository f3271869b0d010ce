"""Relaxation: crystals go through stages of ASE calculators, and what became of each is a row of a table.

A calculator works in a process of its own (:mod:`hpcvox.calculators.serving`), which may crash or hang and takes
nothing along; the optimiser is here, its evaluations are on disk, and a run that was killed replays them to the byte.
"""
