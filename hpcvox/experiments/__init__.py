"""Reproduces the papers' measurements: evaluates trained networks on held-out crystals."""
