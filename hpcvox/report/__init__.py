"""``hpcvox report``: one HTML file that shows what a run made: its data, losses, densities and crystals.

It reads the files of the other jobs, and says which parts are missing.  It computes only one thing itself, with the
VAE: the latent points of crystals, and densities on lines between two of them.
"""
