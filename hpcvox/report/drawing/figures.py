"""Pictures for a paper or a README (PNG, SVG or PDF by suffix): densities, and crystals."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from hpcvox.errors import SourceError
from hpcvox.files.pictures import save
from hpcvox.networks.vae.examples import Examples
from hpcvox.report.drawing import crystals
from hpcvox.report.drawing.crystals import Scene

VIEW = np.array([1.6, 1.15, 0.75])
"""From where a crystal is seen, in cell lengths (the page's first view)."""


def density_montage(run: Path, target: Path, most: int = 4, axis: int = 2, place: float = 0.5) -> None:
    """Slices of the held-out densities in a VAE's run folder: true above, reconstructed below.

    Args:
        axis: cell axis that the slice is normal to (0, 1, 2 for a, b, c).
        place: where it cuts, as a fraction of the grid in [0, 1).

    Raises:
        SummaryError: the folder has no examples.npz that can be read.
    """
    save(montage(Examples.load(run), most, axis, place), target)


def crystal_picture(cifs: Sequence[Path], target: Path) -> None:
    """The crystals of ``cifs`` in a row, as the page draws them, each with its elements.

    Raises:
        SourceError: a CIF cannot be read.
    """
    scenes = []
    for cif in cifs:
        try:
            scenes.append(crystals.scene(cif.read_bytes(), cif.stem))
        except (ValueError, OSError) as error:
            raise SourceError(f"{cif} cannot be drawn: {error}") from None
    save(row_of(scenes), target)


def row_of(scenes: Sequence[Scene]) -> Figure:
    """Crystals side by side."""
    figure = Figure(figsize=(3 * len(scenes), 3.2), layout="constrained")
    for axes, scene in zip(figure.subplots(1, len(scenes), squeeze=False)[0], scenes, strict=True):
        _draw(axes, scene)
    return figure


def montage(examples: Examples, most: int, axis: int = 2, place: float = 0.5) -> Figure:
    """Slices of densities, true above and reconstructed below, as :func:`density_montage` saves them."""
    count = min(most, len(examples.ids))
    n = examples.true.shape[1]
    cut = min(int(place * n), n - 1)
    figure = Figure(figsize=(2.2 * count + 0.6, 4.6), layout="constrained")
    grid = figure.subplots(2, count, squeeze=False)
    for k in range(count):
        low, high = min(0.0, float(examples.reconstructed[k].min())), float(examples.true[k].max())
        for row, volumes in enumerate((examples.true, examples.reconstructed)):
            axes = grid[row, k]
            axes.imshow(
                np.take(volumes[k], cut, axis=axis).T, origin="lower", vmin=low, vmax=high, cmap="viridis"
            )
            axes.set_xticks([])
            axes.set_yticks([])
        grid[0, k].set_title(shorten(examples.ids[k], 24, placeholder="…"), fontsize=9)
    grid[0, 0].set_ylabel("true")
    grid[1, 0].set_ylabel("reconstructed")
    return figure


def _draw(axes: Axes, scene: Scene) -> None:
    """Balls, rods and cell in parallel projection, painted from back to front."""
    positions = np.array(scene.positions)
    lattice = np.array(scene.lattice)
    look = crystals.looks([scene])
    right, up, towards = _screen()
    flat, depth = positions @ np.stack([right, up]).T, positions @ towards
    radii = np.array([look[z].radius for z in scene.numbers])
    rods = [(start, end, 8, "#8a949c", 1.0) for start, end in _edges(lattice)]
    rods += [(positions[i], positions[j], 6, "#5b6875", 2.5) for i, j in scene.bonds]
    for start, end, pieces, colour, width in rods:
        cuts = start + np.linspace(0, 1, pieces + 1)[:, None] * (end - start)
        for piece in itertools.pairwise(cuts):
            line, middle = np.stack(piece), np.mean(piece, axis=0)
            if (np.linalg.norm(positions - middle, axis=1) > radii).all():
                axes.plot(
                    line @ right,
                    line @ up,
                    color=colour,
                    linewidth=width,
                    zorder=middle @ towards + 0.01 * width,
                )
    for (x, y), d, z in zip(flat, depth, scene.numbers, strict=True):
        _ball(axes, x, y, look[z].radius, look[z].colour, float(d))
    for z in look:
        axes.scatter(
            [], [], color=look[z].colour, edgecolor="#333", linewidth=0.5, s=40, label=look[z].symbol
        )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(look), frameon=False, fontsize=9)
    axes.set_title(scene.id, fontsize=9)
    axes.set_aspect("equal")
    reach = max(one.radius for one in look.values()) * 1.1
    axes.set_xlim(flat[:, 0].min() - reach, flat[:, 0].max() + reach)
    axes.set_ylim(flat[:, 1].min() - reach, flat[:, 1].max() + reach)
    axes.axis("off")


def _ball(axes: Axes, x: float, y: float, radius: float, colour: str, depth: float) -> None:
    """A shaded ball: discs from a dark rim to a light spot."""
    share = np.linspace(1.0, 0.1, 14)[:, None]
    tints = np.array(to_rgb(colour)) * (0.62 + 0.38 * (1 - share**2)) + 0.35 * (1 - share) ** 2
    offset = 0.32 * radius * (1 - share)
    size = 2 * radius * share[:, 0]
    discs = EllipseCollection(
        size,
        size,
        np.zeros_like(size),
        units="xy",
        offsets=np.concatenate([x - offset, y + offset], axis=1),
        offset_transform=axes.transData,
        facecolors=np.clip(tints, 0, 1),
        linewidths=0,
        zorder=depth,
    )
    axes.add_collection(discs, autolim=False)


def _screen() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors to the right, up and towards the eye."""
    towards = VIEW / np.linalg.norm(VIEW)
    right = np.cross([0.0, 0.0, 1.0], towards)
    right /= np.linalg.norm(right)
    return right, np.cross(towards, right), towards


def _edges(lattice: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    edges = []
    for along in range(3):
        others = [k for k in range(3) if k != along]
        for u in (0, 1):
            for v in (0, 1):
                start = u * lattice[others[0]] + v * lattice[others[1]]
                edges.append((start, start + lattice[along]))
    return edges
