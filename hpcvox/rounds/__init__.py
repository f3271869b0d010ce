"""Rounds of generate → judge → relax → hull → keep → train on: the verb ``campaign``.

(A ``Campaign`` of :mod:`hpcvox.actors.campaign` is one job of many inputs.)
"""
