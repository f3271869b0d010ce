"""The density section: held-out densities before and after the VAE, slice by slice."""

import base64
import zipfile
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.report.parts import Section
from hpcvox.report.reading import Folder

NAME, TITLE = "densities", "Densities before and after"
FILE = "examples.npz"


class Examples(NamedTuple):
    """Held-out densities in e/Å³, true and reconstructed, both (k, n, n, n) float32, and k ids."""

    true: NDArray[np.float32]
    reconstructed: NDArray[np.float32]
    ids: list[str]


def read_examples(folder: Folder) -> Examples | str:
    """``examples.npz`` of a VAE's run folder, or what is wrong with it."""
    file = folder.file(FILE)
    if file is None:
        return f"{folder.path} has no {FILE}: a VAE's training writes it with its first held-out figures."
    try:
        with np.load(file, allow_pickle=False) as arrays:
            true = arrays["density_true"].astype(np.float32)
            reconstructed = arrays["density_reconstructed"].astype(np.float32)
            ids = [
                i.decode(errors="replace") if isinstance(i, bytes) else str(i) for i in arrays["ids"].tolist()
            ]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        return f"{file} cannot be read ({error})."
    if true.ndim != 4 or true.shape != reconstructed.shape or len(ids) != len(true) or not len(true):
        shapes = f"{true.shape} and {reconstructed.shape}"
        return f"{file} is not what it should be: densities of shape {shapes}, {len(ids)} ids."
    if not (np.isfinite(true).all() and np.isfinite(reconstructed).all()):
        return f"{file} has densities that are not finite."
    return Examples(true, reconstructed, ids)


def section(folder: Folder, most: int) -> Section:
    """The first ``most`` examples as volumes that the page cuts; 8 bits a voxel are enough for a picture."""
    if folder.problem:
        return Section(NAME, TITLE, missing=folder.problem)
    examples = read_examples(folder)
    if isinstance(examples, str):
        return Section(NAME, TITLE, missing=examples)
    volumes = [
        _volume(examples.ids[k], examples.true[k], examples.reconstructed[k])
        for k in range(min(most, len(examples.ids)))
    ]
    intro = (
        "Held-out crystals, which training never saw: the density that went in, what the VAE made of it, "
        "and the difference (red: too much, blue: too little; full colour at half of the range above). "
        "Off by: the sum of absolute differences over the sum of the true density."
    )
    data = {"n": examples.true.shape[1], "volumes": volumes}
    return Section(NAME, TITLE, intro=intro, widget="densities", data=data)


def _volume(name: str, true: NDArray[np.float32], reconstructed: NDArray[np.float32]) -> dict[str, Any]:
    low = float(min(true.min(), reconstructed.min(), 0.0))
    high = float(max(true.max(), reconstructed.max(), low + 1e-6))
    error = float(np.abs(true - reconstructed).sum() / max(float(np.abs(true).sum()), 1e-12))
    return {
        "id": name,
        "low": low,
        "high": high,
        "error": error,
        "true": _packed(true, low, high),
        "reconstructed": _packed(reconstructed, low, high),
    }


def _packed(values: NDArray[np.float32], low: float, high: float) -> str:
    levels = np.rint((values - low) * (255.0 / (high - low))).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode()
