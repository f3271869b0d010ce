"""Stability: the energy of each relaxed crystal against the convex hull of known ones by the same potential."""
