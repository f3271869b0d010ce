"""Runs of ``generate`` and ``judge`` by networks of random weights, and candidates as ``generate`` leaves them."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.files import durable
from hpcvox.generation import job as generation
from hpcvox.generation.candidates import COLUMNS
from hpcvox.generation.judging import job as judging
from hpcvox.generation.settings import GenerateSettings, JudgeSettings
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet
from hpcvox.networks.unet.settings import UNetSettings
from hpcvox.networks.vae.bins import quantile_edges
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.model import VAE
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder import runs
from hpcvox.training.folder.card import read_card
from tests.support.cards import training_on
from tests.support.voxel_shards import make_shards

VOXELS, BINS = 16, 4
UNET = UNetSettings(patch=2, down=((8, 8), (8, 16)), bottom=(16, 16), up=((16, 8), (8, 8)), features=4)
VAE_SHAPE = VAESettings(
    patch=2, encoder=(8, 8), bottleneck=4, hidden=16, latent=8, seed_channels=4, decoder=(8, 8)
)

CUBE = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
OTHER = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.25, 0.25, 0.25], [0.75, 0.75, 0.25], [0.25, 0.75, 0.75]])
CSCL = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])

Atoms = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]
"""Lattice, fractional coordinates and atomic numbers."""


def perovskite(a: int, b: int, x: int, length: float = 4.0, frac: NDArray[np.float64] = CUBE) -> Atoms:
    """ABX3 in a cube, or of other sites in one."""
    return np.eye(3) * length, frac, np.array([a, b, x, x, x], np.uint8)


def random_networks(folder: Path) -> Path:
    """``folder`` with shards and a UNet and a VAE of random weights, whose coordinate channels make a cell."""
    shards = make_shards(folder / "shards", VOXELS)
    torch.manual_seed(0)
    unet, vae = UNet(UNET), VAE(VAE_SHAPE, BINS, VOXELS)
    with torch.no_grad():  # wide weights: maps that differ from point to point, some occupied, some not
        first = vae.decoder_dense[0]
        assert isinstance(first, torch.nn.Linear)
        first.weight.mul_(8)
        unet.mask_head.weight.mul_(30)
    run = training_on(shards, held_out_fraction=0.3)
    (folder / "unet").mkdir()
    (folder / "vae").mkdir()
    runs.export(folder / "unet", unet, UNetCard(run=run, model=UNET, grid="periodic", voxels=VOXELS))
    edges = quantile_edges(np.linspace(-0.5, 0.2, 40), BINS).tolist()
    card = VAECard(
        run=run,
        model=VAE_SHAPE,
        grid="periodic",
        voxels=VOXELS,
        condition="energy",
        edges=edges,
        conditions=BINS,
    )
    runs.export(folder / "vae", vae, card)
    return folder


def generate(trained: Path, out: Path, **changes: Any) -> list[dict[str, str]]:
    """Six samples a condition of the networks in ``trained``, or what ``changes`` ask for; the table's rows."""
    tree = {"vae": trained / "vae", "unet": trained / "unet", "out": out, "per_condition": 6, "threads": 1}
    tree |= {"placement": {"mask_threshold": 0.5}} | changes
    generation.run(config.validate(GenerateSettings, tree, "test"))
    with (out / "candidates.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def learned(trained: Path) -> int:
    """A crystal of the training set that was not held out."""
    formulas = ShardSet.open(trained / "shards").formulas
    return int(np.flatnonzero(~read_card(trained / "vae", VAECard).run.held_out(formulas))[0])


def one_for_each_stage(folder: Path, trained: Path) -> Path:
    """A run around a perovskite in ``folder``, with a candidate for each stage of ``judge``."""
    shards = ShardSet.open(trained / "shards")
    index = learned(trained)
    numbers, frac = shards.sites(index)
    crystals: dict[str, Atoms | None] = {
        "0-blob": None,
        "1-near": perovskite(55, 82, 17, 5.6),
        "1-small": perovskite(55, 82, 35, 4.7),
        "2-binary": (np.eye(3) * 4.1, CSCL, np.array([55, 17], np.uint8)),
        "3-first": perovskite(55, 82, 35, 5.9),
        # the same in another cell: origin at the other cation, larger
        "4-again": perovskite(55, 82, 35, 6.0, (CUBE + 0.5) % 1),
        "5-learned": (shards.cells[index] * 1.01, frac, numbers),
        "6-on-the-list": perovskite(37, 50, 53, 6.2),
        # of the first one's composition, and not its structure
        "7-other-structure": perovskite(55, 82, 35, 5.9, OTHER),
        "8-new": perovskite(37, 50, 35, 5.8),
    }
    return write_run(folder, trained, crystals)


def write_run(folder: Path, trained: Path, crystals: Mapping[str, Atoms | None]) -> Path:
    """The folder as ``generate`` leaves it, with these candidates; None: one that could not be placed."""
    made = {"vae": trained / "vae", "unet": trained / "unet", "out": folder, "base": "SrTiO3"}
    (folder / "cifs").mkdir(parents=True)
    config.save(config.validate(GenerateSettings, made, "test"), folder / "config.yaml")
    rows = []
    for name, crystal in crystals.items():
        row: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {"id": name, "decile": 1, "valid": False}
        if crystal is not None:
            row |= {"cif": f"cifs/{name}.cif", "valid": name != "1-near", "charge_balanced": True}
            (folder / row["cif"]).write_text(cif_text(Crystal(name, "", *crystal, {})))
        rows.append(row)
    durable.write_csv(folder / "candidates.csv", COLUMNS, rows)
    return folder


def judge(generated: Path, out: Path, **changes: Any) -> dict[str, dict[str, str]]:
    """The table that ``judge`` makes of a run of ``generate``: the row of each candidate."""
    judging.run(config.validate(JudgeSettings, {"generated": generated, "out": out} | changes, "test"))
    with (out / "judged.csv").open(newline="") as handle:
        return {row["id"]: row for row in csv.DictReader(handle)}
