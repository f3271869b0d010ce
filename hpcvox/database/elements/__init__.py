"""The built-in elemental solids as a table."""
