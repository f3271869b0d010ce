"""SevenNet-0: what it says of known crystals, in a process of its own."""

import contextlib
from pathlib import Path

import pytest
from ase import Atoms

from hpcvox import config
from hpcvox.calculators import sevennet
from hpcvox.calculators.by_name import CalculatorProcess, Request, names, require, version
from hpcvox.errors import ConfigError, MissingDependencyError
from hpcvox.relaxation.settings import RelaxSettings

needs_sevennet = pytest.mark.skipif(not sevennet.installed(), reason="SevenNet is not installed")

SITES = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]


def asked(a: float) -> Request:
    """For strontium titanate with an edge of ``a`` Å."""
    atoms = Atoms("SrTiO3", scaled_positions=SITES, cell=[a] * 3, pbc=True)
    return Request(
        calculator="sevennet",
        parameters={},
        numbers=atoms.numbers.tolist(),
        cell=atoms.cell.array.tolist(),
        positions=atoms.positions.tolist(),
        moments=[],
        properties=["energy", "forces", "stress"],
    )


@needs_sevennet
@pytest.mark.slow
def test_strontium_titanate_is_where_it_should_be_and_the_same_each_time(tmp_path: Path) -> None:
    with contextlib.closing(CalculatorProcess(tmp_path)) as process:
        found = {a: process.ask(asked(a), 120.0) for a in (3.90, 3.945, 3.99)}
        again = process.ask(asked(3.90), 120.0)
    energies = {a: one["energy"] / 5 for a, one in found.items()}
    assert min(energies, key=energies.__getitem__) == 3.945, "PBE has 3.945 Å"
    assert energies[3.945] == pytest.approx(-8.0218, abs=2e-3), "DFT of the Materials Project, uncorrected"
    # compressed it pushes out, stretched it pulls in
    assert found[3.90]["stress"][0] < 0 < found[3.99]["stress"][0]
    assert max(abs(x) for row in found[3.945]["forces"] for x in row) < 1e-3
    assert again == found[3.90]
    assert version("sevennet").endswith(" 7net-0")


def test_it_takes_no_other_model_for_its_energies_would_be_of_another_kind() -> None:
    assert "sevennet" in names()
    stage = {"calculator": "sevennet", "parameters": {"model": "7net-l3i5"}}
    with pytest.raises(ConfigError, match=r"sevennet takes no parameters \(given: model\): it is 7net-0"):
        config.validate(RelaxSettings, {"stages": [stage]}, "test")


@pytest.mark.skipif(sevennet.installed(), reason="SevenNet is installed")
def test_where_it_is_not_installed_the_message_says_how_it_is() -> None:
    with pytest.raises(MissingDependencyError, match="HPCVOX_EXTRAS='chgnet sevennet' make setup"):
        require("sevennet")
