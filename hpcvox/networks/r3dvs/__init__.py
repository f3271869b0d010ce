"""The voxel network of R3DVS: a property, or which crystal it is (Kajita et al. 2017)."""
