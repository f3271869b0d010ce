"""Describes maps of voxels: those that a network was trained on (from its card), and those of a shard set."""

from pathlib import Path
from typing import Annotated, NamedTuple, Protocol, Self, cast

from annotated_types import Ge, Gt, Le
from pydantic import field_validator

from hpcvox.descriptors.grids import BOXES, RIGHT, Grid
from hpcvox.errors import ConfigError
from hpcvox.shards.reading.densities import grid_voxels
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import Card


class MapKind(NamedTuple):
    """A kind of maps; networks can be used together only if they were trained on the same kind."""

    grid: Grid
    voxels: int
    sigma: float | None
    """Standard deviation in Å of all Gaussians; None: the ionic radius of each element."""
    oblique: bool
    """Whether some of the cells may have angles other than 90°."""

    @classmethod
    def of_card(cls, card: "MapsCard") -> Self:
        """The kind of maps that a trained network takes, from its card."""
        return cls(cast(Grid, card.grid), card.voxels, card.sigma, card.oblique)

    @classmethod
    def of_shards(cls, shards: ShardSet) -> Self:
        """Of a density shard set."""
        return cls(
            cast(Grid, shards.grid),
            grid_voxels(shards),
            shards.manifest.settings.get("sigma"),
            not shards.largest_cosine <= RIGHT,
        )

    @property
    def box(self) -> tuple[float, float]:
        """Start and length of the maps along each axis, in units of the cell."""
        origin, extent, _ = BOXES[self.grid]
        return origin, extent

    def misfit(self, trained: Self, name: object) -> str | None:
        """How these maps differ from ``trained``, those that the network ``name`` was trained on; None if they match.

        The text completes a sentence of the caller: "SHARDS has …", "VAE makes …".
        """
        if (self.grid, self.voxels) != (trained.grid, trained.voxels):
            here, there = f"{self.voxels}³ {self.grid} voxels", f"{trained.voxels}³ {trained.grid} ones"
        elif self.sigma != trained.sigma:
            here, there = f"densities of sigma={self.sigma}", f"those of sigma={trained.sigma}"
        elif self.oblique and not trained.oblique:
            here, there = "oblique cells", "right-angled ones alone"
        else:
            return None
        return f"{here}, and {name} was trained on {there}"


class Shape(Protocol):
    """The shape of a network that takes maps."""

    def misfit(self, voxels: int, prefix: str = "") -> str:
        """Why the network cannot take maps of ``voxels``³, and what to set instead; empty if it can.

        Args:
            prefix: stands before the keys of the settings.
        """


def fitting(shape: Shape, shards: ShardSet) -> MapKind:
    """The kind of maps of a shard set that a network of this shape is trained on.

    Raises:
        ConfigError: the network cannot take so many voxels.
    """
    kind = MapKind.of_shards(shards)
    if misfit := shape.misfit(kind.voxels, "model."):
        raise ConfigError(f"{shards.folder}: {misfit}")
    return kind


def require_same(kind: MapKind, shards: Path, card: "MapsCard", folder: Path, do: str) -> None:
    """Check that a trained network takes the maps of a training's shard set.

    Args:
        kind: the kind of these maps.
        shards: the shard set.
        card: of the network in ``folder``.
        do: what to do where it does not; it ends the message.

    Raises:
        ConfigError: it was trained on another kind.
    """
    if misfit := kind.misfit(MapKind.of_card(card), folder):
        raise ConfigError(f"{shards} has {misfit}: {do}")


class MapsCard(Card):
    """The card of a network that takes maps of voxels."""

    grid: str
    voxels: Annotated[int, Ge(1), Le(1024)]
    sigma: Annotated[float, Gt(0)] | None = None
    oblique: bool = False

    @field_validator("grid")
    @classmethod
    def _known(cls, grid: str) -> str:
        if grid not in BOXES:
            raise ValueError(f"it is for {grid[:40]!r} voxels, which are none of {', '.join(BOXES)}")
        return grid
