"""Tests of hpcvox, in folders as those of ``hpcvox/``; what several need is in ``support/``."""
