"""How well a fingerprint network names the classes of crystals with defects (Ziletti et al. 2018)."""
