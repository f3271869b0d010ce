"""Read shards: their tables by HDF5, their sample arrays by the places that these have in the file."""
