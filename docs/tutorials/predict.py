"""Predict the density of two crystals by the network of runs/density."""

from ase.spacegroup import crystal

import hpcvox

network = hpcvox.load("runs/density")
places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0)]
for symbols, edge in ((("Sr", "Ti", "O"), 3.9), (("Ba", "Zr", "O"), 4.2)):
    perovskite = crystal(symbols, places, spacegroup=221, cellpar=[edge] * 3 + [90] * 3)
    (density,) = network.predict([perovskite])
    print(f"{perovskite.get_chemical_formula()}: {density:.2f} g/cm³")
