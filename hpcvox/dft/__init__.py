"""Densities by density-functional theory: a crystal goes through GPAW, and a field file comes out.

GPAW is of another licence (GPL-3) and optional: no process of hpcvox imports it but
:mod:`hpcvox.calculators.scf`, which runs alone, one crystal a process, and answers in files.
"""
