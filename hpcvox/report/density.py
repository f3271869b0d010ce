"""The density section: held-out densities before and after the VAE, slice by slice."""

import base64
import zipfile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.networks.vae.card import EXAMPLES
from hpcvox.report.parts import Section
from hpcvox.report.reading import Folder

NAME, TITLE = "densities", "Densities before and after"
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


class Examples(NamedTuple):
    """Held-out densities in e/Å³, true and reconstructed, both (k, n, n, n) float32, and k ids."""

    true: NDArray[np.float32]
    reconstructed: NDArray[np.float32]
    ids: list[str]


def read_examples(folder: Folder) -> Examples | str:
    """``examples.npz`` of a VAE's run folder, or what is wrong with it."""
    file = folder.file(EXAMPLES)
    if file is None:
        return f"{folder.path} has no {EXAMPLES}: a VAE's training writes it with its first held-out figures."
    try:
        with np.load(file, allow_pickle=False) as arrays:
            true = arrays["density_true"].astype(np.float32)
            reconstructed = arrays["density_reconstructed"].astype(np.float32)
            ids = [
                i.decode(errors="replace") if isinstance(i, bytes) else str(i) for i in arrays["ids"].tolist()
            ]
    except UNREADABLE as error:
        return f"{file} cannot be read ({error})."
    if true.ndim != 4 or true.shape != reconstructed.shape or len(ids) != len(true) or not len(true):
        shapes = f"{true.shape} and {reconstructed.shape}"
        return f"{file} is not what it should be: densities of shape {shapes}, {len(ids)} ids."
    if not (np.isfinite(true).all() and np.isfinite(reconstructed).all()):
        return f"{file} has densities that are not finite."
    return Examples(true, reconstructed, ids)


def section(folder: Folder, most: int) -> Section:
    """The first ``most`` examples, before and after."""
    if folder.problem:
        return Section(NAME, TITLE, missing=folder.problem)
    examples = read_examples(folder)
    if isinstance(examples, str):
        return Section(NAME, TITLE, missing=examples)
    volumes = [
        _volume(name, {"true": true, "reconstructed": reconstructed})
        for name, true, reconstructed in zip(examples.ids, examples.true, examples.reconstructed, strict=True)
    ][:most]
    intro = (
        "Held-out crystals, which training never saw: the density that went in, what the VAE made of it, "
        "and the difference (red: too much, blue: too little; full colour at half of the range above). "
        "Off by: the sum of absolute differences over the sum of the true density."
    )
    data = {"n": examples.true.shape[1], "volumes": volumes}
    return Section(NAME, TITLE, intro=intro, widget="densities", data=data)


def decoded_section(folder: Folder, most: int) -> Section | None:
    """Densities as they were decoded from latent points, spread over the deciles; None where none were kept."""
    file = folder.file("densities.npz")
    if file is None:
        return None
    name, title = "decoded", "Generated densities"
    try:
        with np.load(file, allow_pickle=False) as arrays:
            density = arrays["density"].astype(np.float32)
            ids = [i.decode(errors="replace") for i in arrays["ids"].tolist()]
    except UNREADABLE as error:
        return Section(name, title, missing=f"{file} cannot be read ({error}).")
    if density.ndim != 4 or len(ids) != len(density) or not len(density):
        return Section(name, title, missing=f"{file} is not what it should be: shape {density.shape}.")
    chosen = np.unique(np.linspace(0, len(ids) - 1, min(most, len(ids))).astype(int))
    volumes = [_volume(ids[k], {"decoded": np.nan_to_num(density[k])}) for k in chosen]
    intro = "What the VAE decoded from latent points, before atoms were placed in it."
    data = {"n": density.shape[1], "volumes": volumes}
    return Section(name, title, intro=intro, widget="densities", data=data)


def _volume(name: str, maps: dict[str, NDArray[np.float32]]) -> dict[str, Any]:
    """A crystal's densities for the page's script: 8 bits a voxel are enough for a picture."""
    low = float(min(0.0, *(values.min() for values in maps.values())))
    high = float(max(low + 1e-6, *(values.max() for values in maps.values())))
    volume: dict[str, Any] = {"id": name, "low": low, "high": high}
    if {"true", "reconstructed"} <= maps.keys():
        off = np.abs(maps["true"] - maps["reconstructed"]).sum()
        volume["error"] = float(off / max(float(np.abs(maps["true"]).sum()), 1e-12))
    return volume | {"maps": {key: _packed(values, low, high) for key, values in maps.items()}}


def _packed(values: NDArray[np.float32], low: float, high: float) -> str:
    levels = np.rint((values - low) * (255.0 / (high - low))).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode()
