"""Shard sets: HDF5 files of samples with a manifest.  What a sample holds is described in ``layout``."""
