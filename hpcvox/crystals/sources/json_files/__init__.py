"""JSON files as sources: structures of pymatgen in lists, objects or lines, and frames of pandas."""
