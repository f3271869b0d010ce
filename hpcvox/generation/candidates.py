"""The table of candidates, ``candidates.csv``: its columns, which those that read it know without a network."""

COLUMNS = (
    "id", "decile", "valid", "code", "formula", "n_sites", "a", "b", "c", "min_distance",
    "charge_balanced", "novel", "cif", "message",
)  # fmt: skip

ANGLES = ("alpha", "beta", "gamma")
"""Further columns, after the lengths, where the networks know oblique cells."""
