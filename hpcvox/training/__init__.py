"""Data-parallel training with Horovod: one loop for every network, which knows none."""
