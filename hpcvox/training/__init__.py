"""Data-parallel training of the voxel networks with Horovod: one loop, one small file a duty."""
