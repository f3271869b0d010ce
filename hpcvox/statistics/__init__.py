"""The statistics of a shard set, by ranks that MPI joins: each reads its share of the shards.

What is gathered, and how it is put together, is :mod:`hpcvox.shards.statistics.gathering`; here is who reads what.
"""
