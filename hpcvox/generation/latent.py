"""Draws points of the latent space: from the prior, around a crystal, or on the line between two crystals.

Court et al. 2020, "Crystal generation", draw z ~ N(0, 1), or z ~ N(μ_base, σ), or interpolate linearly.  There are two
other priors; in both, ε ~ N(0, 1):

- ``prior=fitted``: the prior N(m, C), C = F·Fᵀ, was fitted to the decile's training samples.  z = m + σF·ε, or around a
  crystal z = μ_base + σF·ε.
- ``prior=flow``: a flow has learnt where the decile's training samples lie; it maps the noise σε to z.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source
from hpcvox.descriptors.grids import cell_coordinates, is_orthogonal
from hpcvox.errors import CheckpointError, ConfigError, Rejected
from hpcvox.featurize.sampler import alone
from hpcvox.featurize.settings import DensitySettings
from hpcvox.generation.networks import BATCH, Networks
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.vae import latent_flow, prior
from hpcvox.networks.vae.bins import condition_of
from hpcvox.shards.half import from_half
from hpcvox.shards.reading.densities import read_densities
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import say

Maps = tuple[NDArray[np.float32], NDArray[np.uint8]]
"""The maps of one crystal: density in e/Å³ and coordinates in Å, (4, n, n, n); atomic numbers, (n, n, n)."""


class Sample(NamedTuple):
    """One latent point: number ``number`` (from 0) of its decile."""

    number: int
    decile: int

    @property
    def id(self) -> str:
        """Name of the candidate and of its CIF."""
        return f"d{self.decile}-{self.number:06d}"


class Latent:
    """Draws the latent points that the settings ask for.

    Raises:
        ConfigError: ``base``, ``towards`` or ``conditions`` name something that does not exist.
        CheckpointError: the fitted prior is damaged, or the settings ask for it and there is none.
        SourceError, ShardError: a file or the training's shard set cannot be read.
    """

    def __init__(self, settings: GenerateSettings, networks: Networks) -> None:
        self.settings, self.networks = settings, networks
        self.deciles = list(settings.conditions or range(networks.conditions))
        flow = _flow(settings, networks)
        fitted = _prior(settings, networks) if flow is None else None
        self.flow = None if flow is None else flow.flow
        self.prior = None if fitted is None else fitted.prior
        self._drawn_from = {
            name: found.checksum for name, found in (("flow", flow), ("prior", fitted)) if found is not None
        }
        self._base = self._towards = np.zeros((networks.conditions, networks.latent), np.float32)
        if self.prior is not None:
            self._base = self.prior.mean
        if settings.base is not None:
            self._base, own = _encoded("base", settings.base, networks)
            if settings.conditions is None:
                if own is None and networks.conditions > 1:
                    raise ConfigError(
                        f"conditions: give the decile of {networks.card.condition} that crystals around "
                        f"{settings.base} shall have, 0 to {networks.conditions - 1}, such as [0]"
                    )
                self.deciles = [own or 0]
        if settings.towards is not None:
            self._towards, _ = _encoded("towards", settings.towards, networks)
        if max(self.deciles) >= networks.conditions:
            raise ConfigError(
                f"conditions: {max(self.deciles)} is not a bin of {settings.vae}; "
                f"valid: 0 to {networks.conditions - 1}"
            )

    def samples(self, count: int) -> list[Sample]:
        """The first ``count`` samples of every decile, deciles in turn; a larger ``count`` only appends samples."""
        return [Sample(number, decile) for number in range(count) for decile in self.deciles]

    def points(self, samples: list[Sample]) -> NDArray[np.float32]:
        """The latent points, (B, L) float32, of at most ``BATCH`` samples."""
        points = np.stack([self._point(sample) for sample in samples])
        if self.flow is not None:
            return self.networks.transported(
                self.flow, points, np.array([sample.decile for sample in samples])
            )
        return points

    def work(self) -> dict[str, Any]:
        """Everything that the points depend on; finished parts are kept if it is the same in the next run."""
        known: dict[str, Any] = {"seed": self.settings.seed, "sigma": self.settings.sigma}
        known |= self._drawn_from
        if self.settings.base is not None:
            known["base"] = xxhash.xxh3_128_hexdigest(self._base.tobytes())
        if self.settings.towards is not None:
            known["towards"] = xxhash.xxh3_128_hexdigest(self._towards.tobytes())
            known["steps"] = self.settings.per_condition
        return known

    def _point(self, sample: Sample) -> NDArray[np.float32]:
        base: NDArray[np.float32] = self._base[sample.decile]
        if self.settings.towards is not None:
            way = np.float32(sample.number / (self.settings.per_condition - 1))
            between: NDArray[np.float32] = (1 - way) * base + way * self._towards[sample.decile]
            return between
        drawn = latent_point(self.settings.seed, sample.decile, sample.number, len(base), self.settings.sigma)
        if (
            self.prior is not None
        ):  # einsum adds in a fixed order; BLAS would not, with another number of threads
            drawn = np.einsum("ij,j->i", self.prior.factor[sample.decile], drawn)
        return base + drawn


def latent_point(seed: int, decile: int, number: int, size: int, sigma: float) -> NDArray[np.float32]:
    """One draw from N(0, σ²), (size,) float32, which depends only on the arguments, not on batch or order."""
    random = np.random.default_rng([seed, decile, number])
    return (sigma * random.standard_normal(size)).astype(np.float32)


def _flow(settings: GenerateSettings, networks: Networks) -> latent_flow.Found | None:
    """The flow, if the points are drawn by it; not around a crystal, which needs the covariance of a Gaussian."""
    if settings.prior not in ("auto", "flow") or settings.base is not None:
        if settings.prior == "flow":
            raise ConfigError("prior=flow: around a base points are drawn with prior=fitted or prior=normal")
        return None
    found = networks.vae.flow()
    if found is None and settings.prior == "flow":
        raise CheckpointError(
            f"prior=flow: {settings.vae} has no flow, which train-vae learns from {latent_flow.FEWEST:,} crystals on; "
            "take prior=fitted"
        )
    return found


def _prior(settings: GenerateSettings, networks: Networks) -> prior.Found | None:
    """The fitted prior if points are drawn from it; None if they are drawn from N(0, 1)."""
    if settings.prior == "normal" or settings.towards is not None:  # interpolation draws no random numbers
        return None
    found = networks.vae.prior()
    if found is None:
        if settings.prior == "fitted":
            raise CheckpointError(f"prior=fitted: {prior.absent(settings.vae)}; or take prior=normal")
        say(f"points are drawn from N(0, 1): {prior.absent(settings.vae)}", error=True)
    return found


def _encoded(key: str, name: str, networks: Networks) -> tuple[NDArray[np.float32], int | None]:
    """The posterior mean of a crystal with each of the K deciles as condition, (K, L), and the crystal's own decile.

    A crystal of the training's shard set has the same row K times, encoded with its own decile.  The decile of a
    crystal from a file is unknown (None), so each row is encoded with the decile that will be sampled.
    """
    deciles = np.arange(networks.conditions)
    (maps, species), own = (
        _of_file(key, Path(name), networks) if Path(name).exists() else _of_set(key, name, networks)
    )
    if own is not None:
        deciles[:] = own
    batches = [deciles[start : start + BATCH] for start in range(0, len(deciles), BATCH)]
    means = []
    for batch in batches:
        same = len(batch), 1, 1, 1
        means.append(networks.encode(np.tile(maps, (*same, 1)), np.tile(species, same), batch))
    return np.concatenate(means), own


def _of_set(key: str, name: str, networks: Networks) -> tuple[Maps, int | None]:
    """The maps and the decile of a crystal in the shard set that the VAE was trained on."""
    card = networks.card
    shards = ShardSet.open(card.run.shards)
    if name not in shards.ids:
        raise ConfigError(
            f"{key}: {name} is neither a file nor an id of {card.run.shards}, which has such as "
            f"{', '.join(shards.ids[:3])}"
        )
    index = shards.ids.index(name)
    density, species = read_densities(shards, [index])
    known = np.isfinite(condition_of(shards, card.condition)[index])
    own = int(networks.vae.bins(shards)[index]) if known else None
    try:
        return (_maps(density[0], shards.cells[index], networks), species[0]), own
    except Rejected as reason:
        raise ConfigError(f"{key}: {reason}") from None


def _of_file(key: str, path: Path, networks: Networks) -> tuple[Maps, None]:
    """The maps of the only crystal in a file, made with the settings of the VAE's shard set."""
    found = [crystal for entry in open_source(path) for crystal in parse(entry)]
    if len(found) != 1:
        raise ConfigError(f"{key}: {path} holds {len(found)} crystals; give a file of one")
    crystal = found[0]
    if not isinstance(crystal, Crystal):
        raise ConfigError(f"{key}: {path} cannot be used ({crystal.code}): {crystal.message}")
    try:
        return maps_of(crystal, networks), None
    except Rejected as reason:
        raise ConfigError(f"{key}: {path} has no such voxels as the VAE was trained on: {reason}") from None


def maps_of(crystal: Crystal, networks: Networks) -> Maps:
    """Make the maps of a crystal with the settings of the shard set that the VAE was trained on.

    Raises:
        Rejected: the crystal has no such maps, or its cell is oblique and the VAE knows only right angles.
    """
    crystal, arrays = alone(_featurized(networks), crystal)
    stored = arrays["density"]
    density = np.empty(stored.shape, np.float32)
    if stored.dtype == np.float16:
        from_half(stored, density)
    else:
        density[...] = stored
    return _maps(density, crystal.lattice, networks), arrays["species"]


def _featurized(networks: Networks) -> DensitySettings:
    """The featurization settings of the shard set that the VAE was trained on."""
    tree = networks.card.descriptor
    if not tree:
        tree = dict(ShardSet.open(networks.card.run.shards).manifest.settings)
    return config.validate(DensitySettings, tree, str(networks.card.run.shards))


def _maps(
    density: NDArray[np.float32], lattice: NDArray[np.float64], networks: Networks
) -> NDArray[np.float32]:
    if not (networks.kind.oblique or is_orthogonal(lattice)):
        raise Rejected(
            "not-orthogonal", "its cell is oblique, and the VAE was trained only on cells with right angles"
        )
    return np.concatenate(
        [density[None], cell_coordinates(lattice, networks.kind.grid, networks.kind.voxels)]
    )
