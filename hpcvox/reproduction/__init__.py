"""Repeats the experiments of a paper: one page and one table a paper, with our values beside the paper's."""
