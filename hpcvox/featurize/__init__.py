"""``hpcvox featurize``: makes a shard set of a source of crystals; each Ray actor writes its own shards."""
