"""Crystals from databases on the network, copied once into a file that ``featurize`` reads again and again.

A step of its own: compute nodes have no internet, and a source must give the same crystals each time it is read.
"""
