"""The Python functions of hpcvox: they take crystals of ASE and pymatgen, and use the same code as the verbs.

Import them from :mod:`hpcvox` itself: ``hpcvox.voxelize(atoms)``.
"""
