"""The UNet: it names the element of each voxel of a density (Court et al. 2020)."""

from typing import Final

from hpcvox.training.network import Network

NETWORK: Final = Network(
    name="unet",
    help="density → elements of voxels",
    settings="hpcvox.networks.unet.settings:TrainUNetSettings",
    recipe="hpcvox.networks.unet.task:RECIPE",
    build="hpcvox.networks.unet.at_work:build",
    card="hpcvox.networks.unet.card:UNetCard",
    check="hpcvox.networks.unet.samples:check",
    descriptor="density",
)
