"""The network of diffraction fingerprints: it classifies crystals (Ziletti et al. 2018)."""

from typing import Final

from hpcvox.training.network import Network

NETWORK: Final = Network(
    name="fingerprint",
    help="diffraction fingerprint → class",
    settings="hpcvox.networks.fingerprint.settings:TrainFingerprintSettings",
    recipe="hpcvox.networks.fingerprint.task:RECIPE",
    build="hpcvox.networks.fingerprint.at_work:build",
    card="hpcvox.networks.fingerprint.card:FingerprintCard",
    check="hpcvox.networks.fingerprint.samples:check",
    descriptor="diffraction",
)
