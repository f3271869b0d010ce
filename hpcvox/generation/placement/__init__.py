"""Turns decoded voxels into atoms: finds the voxels of each site, its element, and its exact position."""
