"""``hpcvox relax``: relaxes crystals in stages with ASE calculators; a table has a row with the result of each.

A calculator runs in a separate process (:mod:`hpcvox.calculators.serving`), so that it can crash or hang without harm.
The optimiser runs here.  All evaluations are saved on disk; a run that was killed reads them again and takes the same
path.
"""
