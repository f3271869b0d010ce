"""``hpcvox database``: actors relax built-in prototypes and compute their energies, which are written as one table.

The table is an ordinary source of crystals; later steps do not know where it came from.
"""
