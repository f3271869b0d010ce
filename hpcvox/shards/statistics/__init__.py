"""Statistics of a shard set: gathered and joined in ``gathering``, kept beside the manifest by ``file``."""
