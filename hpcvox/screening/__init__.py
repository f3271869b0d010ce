"""``hpcvox screen``: predicts properties of crystals by trained networks, and chooses crystals by them."""
