"""Which points of the latent space are drawn: of the prior, around a crystal, or on the line between two.

Court et al. 2020, "Crystal generation": z ~ N(0, 1); z ~ N(μ_base, σ); linear interpolation.  With the prior that was
fitted to the training samples of the decile, N(m, C) with C = F·Fᵀ: z = m + σF·ε; z = μ_base + σF·ε, ε ~ N(0, 1).  With
the flow that has learnt where those of the decile lie: z is what σε becomes.
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
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import say

Maps = tuple[NDArray[np.float32], NDArray[np.uint8]]
"""Of one crystal: density and coordinates (4, n, n, n), atomic numbers (n, n, n)."""


class Sample(NamedTuple):
    """One latent point: the ``number``-th of its decile."""

    number: int
    decile: int

    @property
    def id(self) -> str:
        """Name of the candidate and of its CIF."""
        return f"d{self.decile}-{self.number:06d}"


class Latent:
    """The points that the settings ask for.

    Raises:
        ConfigError: ``base``, ``towards`` or ``conditions`` name nothing that is there.
        CheckpointError: the fitted prior is damaged, or asked for and not there.
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
                        f"{settings.base} are to have, 0 to {networks.conditions - 1}, such as [0]"
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
        """The first ``count`` of every decile, in turn: more of them begin with those of fewer."""
        return [Sample(number, decile) for number in range(count) for decile in self.deciles]

    def points(self, samples: list[Sample]) -> NDArray[np.float32]:
        """The points of at most ``BATCH`` ``samples``, (B, L)."""
        points = np.stack([self._point(sample) for sample in samples])
        if self.flow is not None:
            return self.networks.transported(
                self.flow, points, np.array([sample.decile for sample in samples])
            )
        return points

    def work(self) -> dict[str, Any]:
        """What the points depend on."""
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
        if self.prior is not None:  # by einsum, whose sum has one order, whatever threads BLAS has
            drawn = np.einsum("ij,j->i", self.prior.factor[sample.decile], drawn)
        return base + drawn


def latent_point(seed: int, decile: int, number: int, size: int, sigma: float) -> NDArray[np.float32]:
    """One draw of N(0, σ²), (size,): the same in any batch, order or count."""
    random = np.random.default_rng([seed, decile, number])
    return (sigma * random.standard_normal(size)).astype(np.float32)


def _flow(settings: GenerateSettings, networks: Networks) -> latent_flow.Found | None:
    """The flow, where points are drawn by one: not around a crystal, which takes a Gaussian's covariance."""
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
    """The fitted prior, where points are drawn from one and not from N(0, 1)."""
    if settings.prior == "normal" or settings.towards is not None:  # a line has no random numbers
        return None
    found = networks.vae.prior()
    if found is None:
        if settings.prior == "fitted":
            raise CheckpointError(f"prior=fitted: {prior.absent(settings.vae)}; or take prior=normal")
        say(f"points are drawn from N(0, 1): {prior.absent(settings.vae)}", error=True)
    return found


def _encoded(key: str, name: str, networks: Networks) -> tuple[NDArray[np.float32], int | None]:
    """Means of the posterior of a crystal, a row for each decile that is sampled, (K, L), and its own decile.

    A crystal of the training's shard set is encoded with its own decile, one of a file, whose own is not
    known, with the one sampled.
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
    """Maps and decile of a crystal of the shard set that the VAE was trained on."""
    card = networks.card
    shards = ShardSet.open(card.run.shards)
    if name not in shards.ids:
        raise ConfigError(
            f"{key}: {name} is neither a file nor an id of {card.run.shards}, which has such as "
            f"{', '.join(shards.ids[:3])}"
        )
    index = shards.ids.index(name)
    density, species = shards.read([index])
    known = np.isfinite(condition_of(shards, card.condition)[index])
    own = int(networks.vae.bins(shards)[index]) if known else None
    try:
        return (_maps(density[0], shards.cells[index], networks), species[0]), own
    except Rejected as reason:
        raise ConfigError(f"{key}: {reason}") from None


def _of_file(key: str, path: Path, networks: Networks) -> tuple[Maps, None]:
    """Maps of the one crystal of a file, made as the shard set was that the VAE was trained on."""
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
    """Maps of a crystal, made as the shard set was that the VAE was trained on.

    Raises:
        Rejected: it has none, or its cell is oblique and those of the training are not.
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
    """The settings of the training's shard set."""
    tree = networks.card.descriptor
    if not tree:
        tree = dict(ShardSet.open(networks.card.run.shards).manifest.settings)
    return config.validate(DensitySettings, tree, str(networks.card.run.shards))


def _maps(
    density: NDArray[np.float32], lattice: NDArray[np.float64], networks: Networks
) -> NDArray[np.float32]:
    if not (networks.kind.oblique or is_orthogonal(lattice)):
        raise Rejected(
            "not-orthogonal", "its cell is oblique, and the VAE was trained on right-angled ones alone"
        )
    return np.concatenate(
        [density[None], cell_coordinates(lattice, networks.kind.grid, networks.kind.voxels)]
    )
