"""Shard sets: HDF5 files of samples, with a manifest.  ``layout`` describes the format."""
