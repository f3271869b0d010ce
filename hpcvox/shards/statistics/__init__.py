"""Statistics of a shard set: ``gathering`` computes and joins them, ``file`` saves them beside the manifest."""
