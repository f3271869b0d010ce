"""Rounds of generate → judge → relax → hull → keep → train on: the verb ``campaign``.

Not to be confused with a ``Campaign`` of :mod:`hpcvox.actors.campaign`, which is one job of many inputs.
"""
