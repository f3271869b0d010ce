"""Writes shards, and the files that complete a set of them."""
