"""hpcvox: crystal databases to voxels to 3D neural networks, on HPC clusters."""

__version__ = "0.1.0"
