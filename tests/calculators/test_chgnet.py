"""CHGNet as relaxations ask it: what it says is what the package's own calculator says."""

import numpy as np
import pytest
from ase import Atoms

from hpcvox.calculators import chgnet

needs_chgnet = pytest.mark.skipif(not chgnet.installed(), reason="CHGNet is not installed")

SITES = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]


@needs_chgnet
@pytest.mark.slow
def test_one_derivative_says_what_three_say() -> None:
    from chgnet.model.dynamics import CHGNetCalculator

    theirs = CHGNetCalculator(use_device="cpu", on_isolated_atoms="error")
    ours = chgnet.calculator()
    rng = np.random.default_rng(0)
    for formula, edge in (("SrTiO3", 3.9), ("BaZrS3", 5.0), ("CsPbBr3", 5.9)):
        atoms = Atoms(
            formula, scaled_positions=SITES, cell=edge * (np.eye(3) + rng.normal(0, 0.02, (3, 3))), pbc=True
        )
        atoms.rattle(0.1, rng=rng)
        found = {}
        for name, calculator in (("theirs", theirs), ("ours", ours)):
            atoms.calc = calculator
            found[name] = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress()
        (energy, forces, stress), (their_energy, their_forces, their_stress) = found["ours"], found["theirs"]
        assert energy == their_energy
        assert np.abs(their_forces).max() > 0.1
        assert np.abs(forces - their_forces).max() < 1e-4
        assert np.abs(stress - their_stress).max() < 1e-5


@needs_chgnet
@pytest.mark.slow
def test_atoms_without_neighbours_are_refused() -> None:
    atoms = Atoms("He", cell=20 * np.eye(3), pbc=True)
    atoms.calc = chgnet.calculator()
    with pytest.raises(ValueError, match="isolated"):
        atoms.get_potential_energy()
