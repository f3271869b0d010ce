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

EV_PER_A3_IN_GPA = 160.21766208


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
    """CHGNet as an ASE calculator, of energy, forces and stress."""
    _refuse_code()
    return _calculator_class()(**{"use_device": "cpu", "on_isolated_atoms": "error", **parameters})


@cache
def _calculator_class() -> Any:
    """CHGNet's calculator, with one derivative of the energy in the place of three.

    CHGNet's own takes the forces and the stress each by a derivative of their own, and keeps both ready to be derived
    again, for trainings: that is half of its time.  Energies are the same to the bit, forces and stress to the rounding
    of single precision.
    """
    import torch
    from ase.calculators.calculator import Calculator, all_changes, all_properties
    from chgnet.model.dynamics import CHGNetCalculator
    from chgnet.model.model import BatchedGraph
    from pymatgen.io.ase import AseAtomsAdaptor

    base: Any = CHGNetCalculator
    answer: Any = Calculator.calculate

    class OneDerivative(base):  # type: ignore[misc] # it has fewer properties than CHGNet's own
        implemented_properties = ("energy", "forces", "stress")

        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.model.eval()
            self.model.requires_grad_(False)

        def calculate(
            self, atoms: Any = None, properties: Any = None, system_changes: Any = None, **_: Any
        ) -> None:
            answer(self, atoms, properties or all_properties, system_changes or all_changes)
            model, count = self.model, float(len(atoms))
            graph = model.graph_converter(AseAtomsAdaptor.get_structure(atoms)).to(self.device)
            batch = BatchedGraph.from_graphs(
                [graph], model.bond_basis_expansion, model.angle_basis_expansion, compute_stress=True
            )
            per_atom = model._compute(batch)["e"]
            by = [batch.atom_positions[0], batch.strains[0]]
            slopes = torch.autograd.grad(per_atom, by, per_atom.new_full(per_atom.shape, count))
            forces, strains = (slope.cpu().numpy() for slope in slopes)
            energy = (per_atom.detach() + model.composition_model([graph])).cpu().numpy()[0] * count
            pressure = strains / float(batch.volumes[0]) * EV_PER_A3_IN_GPA
            self.results = {
                "energy": float(energy),
                "free_energy": float(energy),
                "forces": -forces,
                "stress": pressure * self.stress_weight,
            }

    return OneDerivative
