"""Pure maths from a crystal to arrays: no files, no processes, importable in a notebook."""
