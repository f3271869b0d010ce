"""Files of JSON: structures of pymatgen in lists, objects or lines, and frames of pandas."""
