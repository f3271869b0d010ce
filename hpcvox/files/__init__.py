"""Writes and reads the files of all jobs: atomic writes, regular files only, tables, finished parts, summaries."""
