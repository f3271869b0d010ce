"""hpcvox: crystal databases to voxels to 3D neural networks, on HPC clusters."""

from hpcvox import compiled

__version__ = "0.1.0"

compiled.settle()
