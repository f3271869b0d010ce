"""What maps of voxels a network is for, by its card, and what maps a shard set holds."""

from typing import Any, NamedTuple, Self, cast

from hpcvox.descriptors.grids import BOXES, Grid, is_orthogonal
from hpcvox.shards.reader import ShardSet


class MapKind(NamedTuple):
    """Maps that networks can be trained on together."""

    grid: Grid
    voxels: int
    sigma: float | None
    """Width in Å of all Gaussians; None: the ionic radius of each element."""
    oblique: bool
    """Whether there are cells with other than right angles among them."""

    @classmethod
    def of_card(cls, card: dict[str, Any]) -> Self:
        """Of a trained model."""
        return cls(card["grid"], card["voxels"], card.get("sigma"), bool(card.get("oblique")))

    @classmethod
    def of_shards(cls, shards: ShardSet) -> Self:
        """Of a density shard set."""
        return cls(cast(Grid, shards.grid), shards.voxels, shards.sigma, not is_orthogonal(shards.cells))

    @property
    def box(self) -> tuple[float, float]:
        """Where the maps begin along each axis, and how far they go, in units of the cell."""
        origin, extent, _ = BOXES[self.grid]
        return origin, extent

    def misfit(self, trained: Self, name: object) -> str | None:
        """What these maps are that those which the network ``name`` was ``trained`` on are not; None: nothing.

        The end of a message that begins with whose maps these are, and "has" or "makes".
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
