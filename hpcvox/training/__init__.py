"""Data-parallel training with Horovod: one loop that trains every network and depends on none."""
