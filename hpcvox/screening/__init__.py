"""Properties of crystals by trained networks, and the choice of those that have the wanted ones."""
