"""Sources: where crystals come from, and how their texts, ids and targets are found there.

:func:`hpcvox.crystals.sources.source.open_source` opens any of them; each kind has a module.
"""
