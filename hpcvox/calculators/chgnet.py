"""CHGNet, the pretrained universal potential (Deng et al. 2023, doi:10.1038/s42256-023-00716-3)."""

import contextlib
import importlib.metadata
import importlib.util
import io
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcvox.calculators.checkpoint import refuse_code
from hpcvox.crystals.record import Crystal

BATCH = 16
"""Crystals in one evaluation: this takes half the time of one by one; larger batches are not faster."""


def installed() -> bool:
    """Whether CHGNet is installed; does not import it."""
    return importlib.util.find_spec("chgnet") is not None


def name() -> str:
    """The package and its version, as tables name the model of an energy."""
    return f"chgnet-{importlib.metadata.version('chgnet')}"


class Potential:
    """Computes energies of crystals with CHGNet on one CPU thread."""

    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)  # actors share the CPUs, and one thread gives the same sums everywhere
        self._model = _quietly_loaded()

    def energies(self, crystals: Sequence[Crystal], scales: NDArray[np.float64]) -> NDArray[np.float64]:
        """The energy per atom in eV, (n,), of each crystal with its cell vectors multiplied by its scale, (n,).

        NaN if the atoms are so far apart that the potential finds no neighbours.
        """
        import torch
        from pymatgen.core.structure import Structure

        graphs, seen = [], []
        for i, (crystal, scale) in enumerate(zip(crystals, scales.tolist(), strict=True)):
            cell = Structure(crystal.lattice * scale, crystal.numbers.astype(int).tolist(), crystal.frac)
            with contextlib.suppress(ValueError), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                graphs.append(self._model.graph_converter(cell))
                seen.append(i)
        energies = np.full(len(crystals), np.nan)
        if graphs:
            with torch.no_grad():  # half the time: an energy alone needs no gradients
                predictions = self._model.predict_graph(graphs, task="e", batch_size=BATCH)
            # A single graph is answered by a single prediction.
            listed = predictions if isinstance(predictions, list) else [predictions]
            energies[seen] = [float(prediction["e"]) for prediction in listed]
        return energies


@cache
def _quietly_loaded():  # type: ignore[no-untyped-def] # CHGNet has no types
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from chgnet.model.model import CHGNet

        _refuse_code()
        return CHGNet.load(use_device="cpu", verbose=False)


def _refuse_code() -> None:
    """Look at the checkpoints that come with the package, of which one is loaded."""
    import chgnet

    for path in sorted((Path(chgnet.__file__).parent / "pretrained").rglob("*.pth.tar")):
        refuse_code(path, "chgnet")


def calculator(**parameters: Any) -> Any:
    """CHGNet as an ASE calculator."""
    from chgnet.model.dynamics import CHGNetCalculator

    _refuse_code()
    return CHGNetCalculator(**{"use_device": "cpu", "on_isolated_atoms": "error", **parameters})
