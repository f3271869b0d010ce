"""Voxels → atoms on one core; and the whole way from latent points to CIFs, on all."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.descriptors.density import Voxels, voxelize
from hpcvox.descriptors.grids import coordinates
from hpcvox.generation import job as generation
from hpcvox.generation.latent import Latent
from hpcvox.generation.networks import BATCH, Decoded, Networks, Segmented
from hpcvox.generation.placement.place import place
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet
from hpcvox.networks.unet.settings import UNetSettings
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.model import VAE
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.progress import Progress
from hpcvox.training.folder import runs
from tests.support.cards import training_on

LIMIT_MS = 10.0
CANDIDATES, ROUNDS = 6 * BATCH, 3
FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
PEROVSKITE = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
HEUSLER = np.vstack([FCC + 0.25, (FCC + 0.75) % 1, FCC, (FCC + 0.5) % 1])


def measure() -> list[dict[str, Any]]:
    """``placement_ms``: of :func:`place` per crystal, the mean over the three classes on both grids.

    ``candidates_per_s``: latent points → networks → atoms → CIFs and verdicts, by networks of the default shapes;
    ``candidates_vs_unet_limit``: that over the rate of the UNet's bare forward pass.
    """
    maps = [_maps(grid) for grid in ("periodic", "padded")]
    _seconds(maps[0][:3] + maps[1][:3])  # compiles, or reads what was compiled
    times = [_seconds(each) for each in maps]
    milliseconds = 1000 * float(np.mean(times))
    return [
        {
            "name": "placement_ms",
            "value": milliseconds,
            "unit": "ms/crystal",
            "peer": None,
            "ratio": None,
            "limit": LIMIT_MS,
        },
        *_chain(),
    ]


class Ideal(Networks):
    """Does all of the networks' work, and answers with the maps of real crystals, as trained ones would."""

    def show(self, maps: list[tuple[Voxels, NDArray[np.float64], Any]]) -> None:
        """What to answer with."""
        self.maps = np.stack(
            [np.concatenate([v.density[None], coordinates(lengths, grid, 32)]) for v, lengths, grid in maps]
        )
        self.species = np.stack([voxels.species for voxels, _, _ in maps])

    def decode(self, z: NDArray[np.float32], deciles: NDArray[np.int64]) -> Decoded:
        return super().decode(z, deciles)._replace(maps=self.maps[: len(z)])

    def segment(self, decoded: Decoded, threshold: float, also: Any = None) -> Segmented:
        species = self.species[: len(decoded.maps)]
        super().segment(decoded, 2.0, species > 0)  # no probability is 2: the elements of these voxels alone
        return Segmented(species, (species > 0).astype(np.float32))

    @torch.inference_mode()
    def forward(self) -> None:
        """The bare pass: occupation of all voxels, elements of those that are occupied."""
        assert self.unet is not None
        x = torch.from_numpy(self.maps)
        features, _ = self.unet(x)
        row, voxel = torch.from_numpy(self.species > 0).flatten(1).nonzero(as_tuple=True)
        self.unet.species_logits(x, features, row, voxel)


def _chain() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        unet, vae = UNetSettings(), VAESettings()
        run, edges = training_on(), [float(edge) for edge in range(11)]
        for network, card in (
            (UNet(unet), UNetCard(run=run, model=unet, grid="periodic", voxels=32)),
            (
                VAE(vae, 10, 32),
                VAECard(
                    run=run,
                    model=vae,
                    grid="periodic",
                    voxels=32,
                    condition="energy",
                    conditions=10,
                    edges=edges,
                ),
            ),
        ):
            (folder / card.task).mkdir()
            runs.export(folder / card.task, network, card)
        tree = {"vae": folder / "vae", "unet": folder / "unet", "prior": "normal"}
        settings = config.validate(GenerateSettings, tree, "bench")
        networks = Ideal(settings)
    networks.show(_maps("periodic")[:BATCH])
    latent = Latent(settings, networks)
    samples = latent.samples(-(-CANDIDATES // 10))[:CANDIDATES]

    def chain() -> None:
        with Progress("bench", None, "candidates") as progress:
            rows = generation._make(samples, settings, networks, latent, progress)
        assert all(row["valid"] for row in rows)

    def bare() -> None:
        for _ in range(CANDIDATES // BATCH):
            networks.forward()

    chain()
    bare()
    times = [(_wall(chain), _wall(bare)) for _ in range(ROUNDS)]
    whole, limit = (CANDIDATES / statistics.median(each) for each in zip(*times, strict=True))
    return [
        {"name": "candidates_per_s", "value": whole, "unit": "candidates/s", "peer": limit, "limit": 10},
        {"name": "candidates_vs_unet_limit", "value": whole / limit, "unit": "", "limit": 0.8},
    ]


def _wall(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _maps(grid: Any) -> list[tuple[Voxels, NDArray[np.float64], Any]]:
    maps = []
    for step in range(8):
        scale = 1 + 0.02 * step
        for a, frac, numbers in (
            (5.6, np.vstack([FCC, (FCC + 0.5) % 1]), [11] * 4 + [17] * 4),
            (5.4, np.vstack([FCC, FCC + 0.25]), [30] * 4 + [16] * 4),
            (4.1, np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), [55, 17]),
            (3.9, PEROVSKITE, [38, 22, 8, 8, 8]),
            (5.95, HEUSLER, [29] * 8 + [25] * 4 + [13] * 4),
        ):
            lengths = np.full(3, a * scale)
            maps.append(
                (voxelize(lengths, frac.astype(float), np.array(numbers, np.uint8), grid), lengths, grid)
            )
    return maps


def _seconds(maps: list[tuple[Voxels, NDArray[np.float64], Any]]) -> float:
    """Best of three of the mean CPU time per crystal: one thread, so on a free core it is the time taken."""
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        for (density, species), lengths, grid in maps:
            place(density, species, (species > 0).astype(np.float32), np.diag(lengths), grid)
        best = min(best, (time.process_time() - start) / len(maps))
    return float(best)
