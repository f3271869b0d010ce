"""The conditional DFC-VAE: density → latent → density, and what draws from its latent space (Court et al. 2020)."""

from typing import Final

from hpcvox.training.network import Network

NETWORK: Final = Network(
    name="vae",
    help="density → latent → density",
    settings="hpcvox.networks.vae.settings:TrainVAESettings",
    recipe="hpcvox.networks.vae.task:RECIPE",
    build="hpcvox.networks.vae.at_work:build",
    card="hpcvox.networks.vae.card:VAECard",
    check="hpcvox.networks.vae.samples:check",
    descriptor="density",
    leaves=("examples.npz", "prior.safetensors", "flow.safetensors"),
)
