"""The network of diffraction fingerprints: class of a crystal (Ziletti et al. 2018)."""
