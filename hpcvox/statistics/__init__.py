"""``hpcvox statistics``: computes the statistics of a shard set with MPI ranks, each of which reads its shards.

:mod:`hpcvox.shards.statistics.gathering` computes and joins them; this package divides the work among ranks.
"""
