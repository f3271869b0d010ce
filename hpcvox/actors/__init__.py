"""Distributes work over processes and nodes with Ray; no other package of hpcvox imports Ray."""
