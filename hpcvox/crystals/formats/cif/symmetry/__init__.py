"""The symmetry that a CIF states, by operations or by name, and the sites that it makes of those listed."""
