"""What sources, descriptors, tasks and communicators hold to, ours and others': functions for tests to call.

Each raises :class:`AssertionError` with the claim that does not hold.  Nothing here needs a test framework.
"""
