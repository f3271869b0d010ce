"""Reads shards: tables through HDF5, sample arrays directly at their offsets in the file."""
