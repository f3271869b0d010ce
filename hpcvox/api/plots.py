"""Draws descriptors as matplotlib figures, which a notebook shows and ``Figure.savefig`` writes."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from hpcvox.api.describing import Voxels
from hpcvox.descriptors import diffraction
from hpcvox.experiments.explain import drawing
from hpcvox.experiments.explain.drawing import DIMMEST
from hpcvox.networks.fingerprint.explanation import Explanation


def plot_density(voxels: Voxels, axis: int = 2, place: int | None = None, axes: Axes | None = None) -> Figure:
    """Draw a slice of a density, in e/Å³.

    Args:
        voxels: the result of :func:`hpcvox.voxelize`.
        axis: the cell vector that the slice cuts: 0, 1 or 2.
        place: number of the slice; None: the middle one.
        axes: the axes to draw into; None: those of a new figure.
    """
    figure, axes = _axes(axes, (4.2, 3.4))
    n = voxels.density.shape[axis]
    number = n // 2 if place is None else place
    first, second = (other for other in range(3) if other != axis)
    a, b = (float(np.linalg.norm(voxels.cell[other])) for other in (first, second))
    plane = np.take(voxels.density, number, axis=axis)
    image = axes.imshow(plane.T, origin="lower", extent=(0, a, 0, b))
    figure.colorbar(image, ax=axes, label="density (e/Å³)")
    axes.set_xlabel(f"along {'abc'[first]} (Å)")
    axes.set_ylabel(f"along {'abc'[second]} (Å)")
    axes.set_title(f"slice {number} of {n} across {'abc'[axis]}", fontsize=10)
    return figure


def plot_fingerprint(fingerprint: NDArray[np.float32]) -> Figure:
    """Draw the three channels of a diffraction fingerprint, (n, n, 3), on a logarithmic scale."""
    figure = Figure(figsize=(9, 3.2), layout="compressed")
    row = figure.subplots(1, 3, sharex=True, sharey=True)
    for channel, axes in enumerate(row):
        image = draw_channel(axes, fingerprint[..., channel])
        axes.label_outer()
        axes.set_title(f"±45° about {'xyz'[channel]}", fontsize=10)
    figure.colorbar(image, ax=row, label="intensity (of the brightest pixel)")
    return figure


def plot_explanation(explanation: Explanation) -> Figure:
    """Draw a fingerprint beside what a network looks at in it, as ``hpcvox explain`` does.

    Args:
        explanation: what :meth:`explain` of a network that :func:`hpcvox.load` has loaded says.
    """
    return drawing.picture(explanation, drawing.titled(explanation))


def draw_channel(axes: Axes, picture: NDArray[np.float32]) -> AxesImage:
    """Draw one channel, (n, n), of a fingerprint; return the image, for a colour bar."""
    edge = len(picture) / 2 * 2 * np.pi / diffraction.WAVELENGTH * diffraction.PIXEL / diffraction.DISTANCE
    image = axes.imshow(
        np.maximum(picture, DIMMEST),
        norm=LogNorm(DIMMEST, 1),
        cmap="magma",
        origin="lower",
        extent=(-edge, edge, -edge, edge),
    )
    axes.set_xlabel("$q_x$ (1/d)")
    axes.set_ylabel("$q_y$ (1/d)")
    return image


def _axes(axes: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    if axes is not None:
        return axes.get_figure(root=True) or Figure(), axes
    figure = Figure(figsize=size, layout="compressed")
    return figure, figure.subplots()
