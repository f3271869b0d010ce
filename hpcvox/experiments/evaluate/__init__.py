"""How far off held-out crystals come out of the networks of Court et al. 2020."""
