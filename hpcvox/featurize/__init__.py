"""From a source of crystals to a shard set, by actors that each write their own shards."""
