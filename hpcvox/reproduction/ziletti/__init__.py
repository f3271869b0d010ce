"""The experiments of Ziletti et al. 2018: classes of crystals by diffraction fingerprints."""
