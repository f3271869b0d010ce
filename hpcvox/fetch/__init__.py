"""``hpcvox fetch``: copies crystals from databases on the network once into a file, which ``featurize`` can read.

It is a separate step, because compute nodes have no internet, and a source must give the same crystals at each reading.
"""
