"""Stability: how far each relaxed crystal is above the convex hull of known phases, by the same potential."""
