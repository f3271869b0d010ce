"""Which element a site of a CIF holds, by its type symbol, its label and the formulas of its block."""
