"""The experiments of Court et al. 2020: density voxels, a conditional DFC-VAE, a UNet, and CGCNN."""
