"""The Python face of hpcvox: crystals as ASE and pymatgen have them, through the code that the verbs use.

What is here is imported from :mod:`hpcvox` itself: ``hpcvox.voxelize(atoms)``.
"""
