"""``hpcvox pipeline``: runs every job in turn, from crystals to the report; each has its own folder below ``out``."""
