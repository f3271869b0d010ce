"""The conditional DFC-VAE (Court et al. 2020), density → latent → density, and the priors of its latent points."""

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
