"""The UNet: density → elements of voxels (Court et al. 2020)."""
