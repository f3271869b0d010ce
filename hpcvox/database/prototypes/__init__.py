"""The built-in crystals: compounds from rules over the periodic table, and elemental solids."""
