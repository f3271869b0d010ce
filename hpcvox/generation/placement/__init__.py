"""Decoded voxels → atoms: which voxels are one site, of which element it is, and where exactly it lies."""
