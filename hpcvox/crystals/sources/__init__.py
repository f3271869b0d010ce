"""Sources of crystals: they find the texts, ids and targets of crystals in files, folders, archives and databases.

:func:`hpcvox.crystals.sources.source.open_source` opens any source; each kind of source has a module.
"""
