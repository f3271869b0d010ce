"""The experiments of Kajita et al. 2017: R3DVS on valence densities of oxides."""
