"""Calculators: DFT and universal potentials, each called in one way by all the jobs that compute energies.

What may crash, hang or is of another licence works in a process of its own, which is asked in lines of JSON.
"""
