"""The conditional DFC-VAE: density → latent → density, and what draws from its latent space (Court et al. 2020)."""
