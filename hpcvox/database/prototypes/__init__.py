"""The built-in crystals: compounds by rules over the periodic table, and elemental solids."""
