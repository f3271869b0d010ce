"""Functions that compute arrays from a crystal, without files or processes; a notebook can import them."""
