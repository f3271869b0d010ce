"""Densities slice by slice: held-out ones and their reconstructions, and those decoded from latent points."""

import base64
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import SummaryError
from hpcvox.generation.densities import Densities
from hpcvox.networks.vae.examples import Examples
from hpcvox.report.parts import DensitiesToCut, Section, Volume
from hpcvox.report.run import Run

NAME: Final = "densities"
TITLE: Final = "Densities before and after"


def held_out(run: Run) -> list[Section]:
    """The first examples of the VAE's training, true and reconstructed."""
    folder = run.vae
    if folder.problem or folder.path is None:
        return [Section(NAME, TITLE, missing=folder.problem)]
    try:
        examples = Examples.load(folder.path)
    except SummaryError as error:
        return [Section(NAME, TITLE, missing=f"{error}.")]
    volumes = [
        _volume(name, {"true": true, "reconstructed": reconstructed})
        for name, true, reconstructed in zip(examples.ids, examples.true, examples.reconstructed, strict=True)
    ][: run.settings.densities]
    intro = (
        "Held-out crystals, which training never saw: the density that went in, what the VAE made of it, "
        "and the difference (red: too much, blue: too little; full colour at half of the range above). "
        "Off by: the sum of absolute differences over the sum of the true density."
    )
    return [Section(NAME, TITLE, intro=intro, widget=DensitiesToCut(examples.true.shape[1], volumes))]


def decoded(run: Run) -> list[Section]:
    """Densities decoded from latent points, spread over the deciles; no section if none were saved."""
    folder, name, title = run.generated, "decoded", "Generated densities"
    if folder.problem or folder.path is None:
        return []
    try:
        kept = Densities.load(folder.path)
    except SummaryError as error:
        return [Section(name, title, missing=f"{error}.")]
    if kept is None:
        return []
    count = len(kept.ids)
    chosen = np.unique(np.linspace(0, count - 1, min(run.settings.densities, count)).astype(int))
    volumes = [_volume(kept.ids[k], {"decoded": np.nan_to_num(kept.density[k])}) for k in chosen]
    intro = "What the VAE decoded from latent points, before atoms were placed in it."
    return [Section(name, title, intro=intro, widget=DensitiesToCut(kept.density.shape[1], volumes))]


def _volume(name: str, maps: dict[str, NDArray[np.float32]]) -> Volume:
    """A crystal's densities for the page's script, with 8 bits per voxel, which are enough for a picture."""
    low = float(min(0.0, *(values.min() for values in maps.values())))
    high = float(max(low + 1e-6, *(values.max() for values in maps.values())))
    error = None
    if {"true", "reconstructed"} <= maps.keys():
        off = np.abs(maps["true"] - maps["reconstructed"]).sum()
        error = float(off / max(float(np.abs(maps["true"]).sum()), 1e-12))
    packed = {key: _packed(values, low, high) for key, values in maps.items()}
    return Volume(name, low, high, error, packed)


def _packed(values: NDArray[np.float32], low: float, high: float) -> str:
    levels = np.rint((values - low) * (255.0 / (high - low))).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode()
