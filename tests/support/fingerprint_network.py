"""A small network of fingerprints with random weights, as a run folder: nothing is trained."""

from pathlib import Path

import torch

from hpcvox.featurize.settings import DiffractionSettings
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.networks.fingerprint.model import ConvNet
from hpcvox.networks.fingerprint.settings import ConvNetSettings
from hpcvox.training.folder import runs
from tests.support.cards import training_on

CLASSES = {"sc": [221], "fcc": [225], "bcc": [229]}


def small_network(pixels: int = 16, dropout: float = 0.25) -> ConvNet:
    """Two levels of convolutions, the biases random as well."""
    torch.manual_seed(0)
    shape = ConvNetSettings(filters=((6, 5), (4, 4)), kernel=3, dense=8, dropout=dropout)
    model = ConvNet(shape, pixels, len(CLASSES)).eval()
    for module in model.body:
        if isinstance(module, torch.nn.Conv2d):
            assert module.bias is not None
            torch.nn.init.uniform_(module.bias, -0.1, 0.1)
    return model


def network_folder(folder: Path, pixels: int = 16, dropout: float = 0.25) -> Path:
    """A run folder of :func:`small_network`, for fingerprints of 32 atoms."""
    folder.mkdir()
    model = small_network(pixels, dropout)
    made_by = DiffractionSettings(pixels=pixels, atoms=32, centre=2.0).model_dump(mode="json")
    card = FingerprintCard(
        run=training_on(),
        model=ConvNetSettings(filters=((6, 5), (4, 4)), kernel=3, dense=8, dropout=dropout),
        pixels=pixels,
        classes=CLASSES,
        descriptor=made_by,
        target="space_group",
    )
    runs.export(folder, model, card)
    return folder
