"""Calculators: DFT and universal potentials, which all jobs that compute energies call in the same way.

A calculator that may crash or hang, or that has another licence, runs in a separate process.  Requests and answers are
lines of JSON.
"""
