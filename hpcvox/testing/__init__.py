"""Checks that sources, descriptors, tasks and communicators, ours and those of other packages, keep their promises.

Tests call these functions.  Each raises :class:`AssertionError` that names the broken promise.  They need no test
framework.
"""
