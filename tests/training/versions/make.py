"""Small run folders of the five networks, and what their networks say of fixed inputs.

``python tests/training/versions/make.py FOLDER`` from a checkout of the version that is to be kept, with that checkout
first in ``PYTHONPATH``, makes them all.  It uses of hpcvox only what no version has changed so far.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch

NUMBERS: Final = "numbers.json"
"""In each run folder: what :func:`said` gave when it was made."""

LEFT_OUT: Final = ("checkpoints", "tensorboard", "finished.json", "inputs.json", ".lock")
"""Of a run folder; a network is used without them."""

FAST: Final = ("epochs=1", "batch_size=16", "threads=1")
TRAININGS: Final = {
    "unet": (
        "density",
        "model={down: [[4, 4]], bottom: [4, 4], up: [[4, 4]], features: 4, head: [8]}",
        "species_voxels=64",
    ),
    "vae": (
        "density",
        "model={encoder: [4, 4], bottleneck: 2, hidden: 8, latent: 4, seed_channels: 2, decoder: [4, 4]}",
        "model.elements=2",
        "model.naming=4",
        "condition=energy",
        "bins=3",
        "examples=0",
    ),
    "cgcnn": ("graphs", "model={atom_features: 4, hidden: 8, step: 1.0}", "target=affinity"),
    "r3dvs": (
        "spots",
        "model={filters: [2, 2], dense: [4]}",
        "length=6.4",
        "target=roughness",
        "replicas=2",
    ),
    "fingerprint": (
        "fingerprints",
        "model={filters: [[2, 2], [2, 2]], kernel: 3, dense: 4}",
        "classes={sc: [221], fcc: [225], bcc: [229]}",
    ),
}
"""By the network's name: its shard set, and its settings."""


def said(model: Any) -> list[float]:
    """What a network says of inputs that are the same each time: sums, first and last number of each output."""
    outputs: Callable[[Any], list[torch.Tensor]] = {
        "UNet": _unet,
        "VAE": _vae,
        "CGCNN": _cgcnn,
        "VoxelCNN": lambda net: [net(_waves(2, len(net.scale), 8, 8, 8))],
        "ConvNet": lambda net: [net(_waves(2, 3, 64, 64))],
    }[type(model).__name__]
    with torch.no_grad():
        parts = [output.double().flatten() for output in outputs(model)]
    return [float(one) for part in parts for one in (part.sum(), part.abs().sum(), part[0], part[-1])]


def _waves(*shape: int) -> torch.Tensor:
    """Numbers from 0 to 2 that no library draws."""
    count = torch.Size(shape).numel()
    return (1 + torch.sin(0.37 * torch.arange(count, dtype=torch.float64))).float().view(shape)


def _unet(model: Any) -> list[torch.Tensor]:
    maps, first = _waves(2, 4, 16, 16, 16), torch.arange(4)
    features, mask = model(maps)
    return [mask, model.species_logits(maps, features, torch.zeros_like(first), first)]


def _vae(model: Any) -> list[torch.Tensor]:
    species = torch.zeros(2, 16, 16, 16, dtype=torch.uint8)
    species[:, 3:6, 3:6, 3:6] = 8
    condition = torch.eye(model.conditions)[:2]
    mean, log_variance = model.encode(_waves(2, 4, 16, 16, 16), species, condition)
    decoded = model.decode(_waves(2, model.settings.latent), condition)
    return [mean, log_variance, decoded.maps, decoded.names.mask_logits, model.element_logits(decoded.names)]


def _cgcnn(model: Any) -> list[torch.Tensor]:
    sites, neighbours = torch.tensor([3, 2]), torch.tensor([[1, 2], [0, 2], [0, 1], [4, 4], [3, 3]])
    numbers, weights = torch.tensor([38, 22, 8, 11, 9]), torch.tensor([1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2])
    return [model(numbers, neighbours, 2 + _waves(5, 2), sites, weights[:, None])]


def make(folder: Path) -> None:
    """A folder for each network in the new folder ``folder``."""
    from hpcvox import config
    from hpcvox.training import network
    from hpcvox.training.folder import runs
    from hpcvox.training.job import run
    from tests.support.fingerprint_shards import make_fingerprints
    from tests.support.graph_shards import crystals, make_graphs
    from tests.support.spot_shards import make_spots
    from tests.support.voxel_shards import make_shards

    folder.mkdir(parents=True)
    os.chdir(folder)  # so that no run folder has a path of this machine
    shards = Path("shards")
    make_shards(shards / "density", 16)
    make_graphs(shards / "graphs", crystals())
    make_spots(shards / "spots", 12)
    make_fingerprints(shards / "fingerprints")
    for name, (given, *settings) in TRAININGS.items():
        kind = network.find(name).load("settings")
        run(config.load(kind, None, [f"shards={shards / given}", f"out={name}", *FAST, *settings]))
        for left_out in LEFT_OUT:
            path = Path(name, left_out)
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        numbers = said(runs.load_model(Path(name))[0])
        Path(name, NUMBERS).write_text(json.dumps(numbers, indent=1) + "\n")
    shutil.rmtree(shards)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
