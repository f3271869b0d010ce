"""Attentive response maps of a fingerprint network: what in a crystal's fingerprint it names the class by."""
