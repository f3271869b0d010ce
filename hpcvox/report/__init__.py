"""One HTML file that shows what a run made: its data, its losses, its densities and its crystals.

Reads what the other rooms wrote, so a part that is missing is said, not guessed; one thing it computes itself, by the
VAE: where crystals are in its latent space, and what lies between two.
"""
