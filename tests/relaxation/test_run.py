"""``hpcvox relax``: real calculators bring real crystals to where they belong; what fails is a row that says why."""

import csv
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import spglib
from ase import Atoms
from ase.build import bulk
from ase.io import read, write

from hpcvox import config
from hpcvox.actors.cluster import cluster
from hpcvox.calculators import chgnet, gpaw
from hpcvox.cli import main
from hpcvox.errors import BusyError, ConfigError, MissingDependencyError, SourceError
from hpcvox.relaxation import job
from hpcvox.relaxation.settings import RelaxSettings
from tests.support.paths import ROOT

needs_gpaw = pytest.mark.skipif(not gpaw.installed(), reason="GPAW is not installed")
needs_chgnet = pytest.mark.skipif(not chgnet.installed(), reason="CHGNet is not installed")
QUICK = {"cutoff": 340.0, "k_density": 1.0}
"""Of GPAW; energies are eV off, and their minimum is where it should be."""


def cifs(folder: Path, **crystals: Atoms) -> Path:
    """A folder of CIFs."""
    folder.mkdir()
    for name, atoms in crystals.items():
        write(folder / f"{name}.cif", atoms)
    return folder


def atoms_of(path: Path) -> Atoms:
    """The one crystal of a file."""
    atoms = read(path)
    assert isinstance(atoms, Atoms)
    return atoms


def rattled(atoms: Atoms, by: float) -> Atoms:
    atoms.rattle(by, seed=1)
    return atoms


def relax(source: Path, out: Path, stages: Sequence[object], **more: object) -> dict[str, dict[str, str]]:
    """The rows of the table, by id."""
    tree = {"source": str(source), "out": str(out), "stages": stages, "actors": 1, **more}
    job.run(config.validate(RelaxSettings, tree, "test"))
    return table(out / "relaxed.csv")


def table(path: Path, key: str = "id") -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {row[key]: row for row in csv.DictReader(file)}


def files(out: Path) -> dict[str, bytes]:
    """All that a run wrote, but its settings."""
    paths = (path for path in out.rglob("*") if path.is_file() and path.name not in (".lock", "config.yaml"))
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module", autouse=True)
def ray() -> Iterator[None]:
    """A Ray that all tests here use, and that finds the faulty calculators of the tests."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *sys.path]))
        with cluster(2):
            yield


@pytest.fixture(scope="module")
def metals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run by EMT over copper and nickel, bismuth, which it does not know, and what is no crystal."""
    place = tmp_path_factory.mktemp("metals")
    source = cifs(
        place / "cifs",
        Cu=bulk("Cu", a=3.8, cubic=True),
        Ni=rattled(bulk("Ni", a=3.3, cubic=True), 0.05),
        Bi=bulk("Bi", "fcc", a=4.9),
    )
    (source / "none.cif").write_text("data_none\n")
    relax(source, place / "out", ["emt"])
    return place


def test_metals_come_to_their_lattice_constants(metals: Path) -> None:
    """Those of EMT: Cu 3.59 Å, Ni 3.48 Å, of which one shrinks and one grows."""
    rows = table(metals / "out" / "relaxed.csv")
    assert list(rows) == ["Bi", "Cu", "Ni", "none"]
    for name, start, end in (("Cu", 3.8, 3.59), ("Ni", 3.3, 3.485)):
        row, atoms = rows[name], atoms_of(metals / "out" / rows[name]["cif"])
        assert (row["code"], row["converged"], row["emt_converged"]) == ("", "1", "1")
        assert row["outcome"] == ("relaxed" if name == "Cu" else "other-symmetry"), "nickel was shaken"
        assert atoms.cell.lengths() == pytest.approx(3 * [end], abs=0.01)
        assert float(row["volume_change_percent"]) == pytest.approx(100 * ((end / start) ** 3 - 1), abs=1)
        assert float(row["emt_max_force"]) < 0.05
        assert float(row["energy_change"]) < -0.01
        assert float(row["energy"]) == pytest.approx(
            float(row["emt_energy_start"]) + float(row["energy_change"]), abs=2e-6
        )
    # a cube's angles stay; all bonds change as its edge does
    assert float(rows["Cu"]["bond_change_percent"]) == pytest.approx(100 * (1 - 3.59 / 3.8), abs=0.1)
    assert float(rows["Cu"]["cell_change_percent"]) == pytest.approx(50 * (1 - 3.59 / 3.8), abs=0.1)


def test_a_crystal_that_the_calculator_refuses_is_a_row_with_its_words(metals: Path) -> None:
    rows = table(metals / "out" / "relaxed.csv")
    assert rows["Bi"]["code"] == rows["Bi"]["outcome"] == "failed"
    assert rows["Bi"]["message"] == "emt: NotImplementedError: No EMT-potential for Bi"
    assert (rows["none"]["code"], rows["none"]["origin"]) == ("no-structure", "cifs/none.cif")
    assert not (metals / "out" / ".scratch").exists()
    summary = json.loads((metals / "out" / "summary.json").read_text())
    assert (summary["crystals"], summary["relaxed"], summary["converged"]) == (4, 2, 2)
    assert summary["codes"] == {"failed": 1, "no-structure": 1}
    assert summary["medians"]["volume_change_percent"] == pytest.approx(
        np.mean([float(rows[name]["volume_change_percent"]) for name in ("Cu", "Ni")]), abs=1e-6
    )


def test_two_actors_write_the_same_bytes(metals: Path, tmp_path: Path) -> None:
    relax(metals / "cifs", tmp_path / "out", ["emt"], actors=2)
    assert files(tmp_path / "out") == files(metals / "out")


def test_run_again_it_does_nothing_anew(
    metals: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = files(metals / "out")
    given = [f"source={metals}/cifs", f"out={metals}/out", "stages=[emt]", "actors=1"]
    assert main(["relax", *given]) == 4
    assert "3 done by an earlier run" in capsys.readouterr().out
    assert files(metals / "out") == before
    assert main(["relax", *given, "stages=[lj]"]) == 2
    assert "other settings: stages" in capsys.readouterr().err
    assert not (metals / "out" / ".scratch").exists()


@pytest.mark.parametrize("cell", ["volume", "full"])
def test_energies_and_stress_lead_to_the_same_cell(tmp_path: Path, cell: str) -> None:
    source = cifs(tmp_path / "cifs", Al=rattled(bulk("Al", a=4.4, cubic=True), 0.03))
    relax(source, tmp_path / "out", [{"calculator": "emt", "cell": cell, "fmax": 0.005}])
    atoms = atoms_of(tmp_path / "out" / "cifs" / "Al.cif")
    assert atoms.get_volume() ** (1 / 3) == pytest.approx(3.994, abs=0.004)
    away = atoms.get_scaled_positions() - bulk("Al", cubic=True).get_scaled_positions()
    away -= np.rint(away - away[0]) + away[0]
    assert np.abs(away).max() < 0.002


def test_a_crystal_first_gets_the_symmetry_that_its_sites_are_near_to(tmp_path: Path) -> None:
    """Sites that are 0.05 Å off come to their places, and what that moves is counted."""
    faces = [(0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    ideal = Atoms("AgNiO3", scaled_positions=[(0, 0, 0), (0.5, 0.5, 0.5), *faces], cell=[3.9] * 3, pbc=True)
    source = cifs(tmp_path / "cifs", off=rattled(ideal.copy(), 0.05), on=ideal)
    stages = [{"calculator": "emt", "cell": "fixed", "steps": 0}]
    rows = relax(source, tmp_path / "out", stages, symprec=0.5)
    atoms = atoms_of(tmp_path / "out" / "cifs" / "off.cif")
    assert spglib.get_spacegroup((atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), 1e-4) == (
        "Pm-3m (221)"
    )
    assert float(rows["off"]["energy"]) == pytest.approx(float(rows["on"]["energy"]), abs=1e-4)
    assert float(rows["off"]["bond_change_percent"]) > 1
    assert float(rows["on"]["bond_change_percent"]) == pytest.approx(0, abs=1e-4)
    rows = relax(source, tmp_path / "as_it_is", stages)
    assert float(rows["off"]["energy"]) > float(rows["on"]["energy"]) + 0.01


def test_what_ends_hangs_or_loses_its_numbers_stops_nothing(tmp_path: Path) -> None:
    stages = [{"calculator": "tests.support.faulty_calculators:Faulty"}]
    source = cifs(tmp_path / "cifs", **{name: bulk(name) for name in ("Ag", "Ni", "Pt")})
    rows = relax(source, tmp_path / "out", stages)
    assert {name: row["code"] for name, row in rows.items()} == {"Ag": "killed", "Ni": "", "Pt": "not-finite"}
    assert "SIGSEGV" in rows["Ag"]["message"]
    assert [path.name for path in (tmp_path / "out" / "cifs").iterdir()] == ["Ni.cif"]

    source = cifs(tmp_path / "hangs", Au=bulk("Au"))
    rows = relax(source, tmp_path / "late", stages, timeout_s=3)
    message = "tests.support.faulty_calculators:Faulty: it took longer than timeout_s=3 seconds"
    assert (rows["Au"]["code"], rows["Au"]["message"]) == ("timeout", message)


def test_a_run_that_was_killed_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """``kill -9`` in the midst of a stage: its evaluations are not computed again."""
    source = cifs(
        tmp_path / "cifs",
        one=rattled(bulk("Cu", a=3.7, cubic=True) * (3, 3, 3), 0.15),
        two=rattled(bulk("Ni", a=3.6, cubic=True) * (3, 3, 3), 0.15),
    )
    stages = "stages=[{calculator: emt, cell: volume, fmax: 0.02}, {calculator: emt, fmax: 0.002}]"
    given = [f"source={source}", "actors=1", "max_sites=200", stages]
    states = tmp_path / "killed" / "states"
    command = [sys.executable, "-m", "hpcvox", "relax", *given, f"out={tmp_path}/killed"]

    def evaluated() -> list[bytes]:
        return [line for path in states.glob("*.1.jsonl") for line in path.read_bytes().splitlines()]

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        ends = time.monotonic() + 240
        while len(evaluated()) < 3:
            assert running.poll() is None
            assert time.monotonic() < ends
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    assert main(["relax", *given, f"out={tmp_path}/killed"]) == 0
    assert main(["relax", *given, f"out={tmp_path}/whole"]) == 0
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert not list(states.glob("*.jsonl"))


@needs_chgnet
def test_chgnet_brings_strained_crystals_back_and_they_are_known(tmp_path: Path) -> None:
    """MgO to 4.25 Å; matched with MgO and not with what else has its formula; its formation energy."""
    strained = bulk("MgO", "rocksalt", a=4.5)
    strained.set_cell(strained.cell.array @ np.diag([1.0, 1.03, 0.98]), scale_atoms=True)
    write(tmp_path / "MgO.extxyz", strained)
    text = (tmp_path / "MgO.extxyz").read_text().replace("pbc=", "name=mine predicted=-2.5 pbc=")
    (tmp_path / "MgO.extxyz").write_text(text)
    known = cifs(
        tmp_path / "known",
        CsCl=bulk("MgO", "cesiumchloride", a=2.65),
        rocksalt=bulk("MgO", "rocksalt", a=4.30, cubic=True),
        other=bulk("CaO", "rocksalt", a=4.8),
    )
    stages = [{"calculator": "chgnet", "fmax": 0.01}]
    rows = relax(
        tmp_path / "MgO.extxyz", tmp_path / "out", stages, known=str(known), formation_energy="predicted"
    )
    (row,) = rows.values()
    atoms = atoms_of(tmp_path / "out" / row["cif"])
    a = (4 * atoms.get_volume()) ** (1 / 3)
    assert a == pytest.approx(4.253, abs=0.01)
    assert atoms.cell.angles() == pytest.approx([60.0, 60.0, 60.0], abs=0.2)
    assert (row["code"], row["match"]) == ("", "rocksalt")
    assert float(row["match_rms"]) < 0.001
    assert float(row["match_a"]) == pytest.approx(4.30 - a, abs=0.005)
    formed = float(row["formation_energy"])
    assert formed == pytest.approx(-2.95, abs=0.25)
    assert float(row["formation_energy_difference"]) == pytest.approx(abs(formed + 2.5), abs=2e-6)
    with (tmp_path / "out" / "references.csv").open(newline="") as file:
        references = list(csv.DictReader(file))
    lowest = {r["element"]: r["structure"] for r in references if r["lowest"] == "1"}
    assert (lowest["O"], sorted(lowest)) == ("molecule", ["Mg", "O"])


@needs_gpaw
def test_gpaw_moves_atoms_by_its_forces(tmp_path: Path) -> None:
    """A real SCF for each step: oxygen goes back to its place in MgO."""
    off = bulk("MgO", "rocksalt", a=4.25)
    off.positions[1] += (0.08, 0.03, 0.0)
    source = cifs(tmp_path / "cifs", MgO=off, PuO=bulk("PuO", "rocksalt", a=4.96))
    stages = [{"calculator": "gpaw", "cell": "fixed", "parameters": QUICK}]
    rows = relax(source, tmp_path / "out", stages)
    row = rows["MgO"]
    assert (row["code"], row["gpaw_converged"]) == ("", "1")
    assert int(row["gpaw_steps"]) >= 3
    assert float(row["gpaw_max_force"]) < 0.05
    assert float(row["gpaw_energy"]) < float(row["gpaw_energy_start"]) - 0.005
    assert float(row["cell_change_percent"]) == 0
    apart = np.ptp(atoms_of(tmp_path / "out" / row["cif"]).get_scaled_positions(), axis=0)
    assert apart == pytest.approx([0.5, 0.5, 0.5], abs=0.003)
    assert rows["PuO"]["code"] == "no-data-set"
    assert rows["PuO"]["message"] == "gpaw: GPAW has no PAW data set of Pu"


@pytest.mark.slow
@needs_chgnet
@needs_gpaw
def test_the_two_stages_find_the_lattice_constant(tmp_path: Path) -> None:
    """CHGNet, then GPAW by energies at a coarse cut-off: MgO 4.25 Å within 1.5 %; in PBE it is 4.26 Å."""
    source = cifs(tmp_path / "cifs", MgO=bulk("MgO", "rocksalt", a=4.5))
    stages = ["chgnet", {"calculator": "gpaw", "parameters": {"cutoff": 500.0, "k_density": 1.0}}]
    (row,) = relax(source, tmp_path / "out", stages).values()
    assert (row["code"], row["chgnet_converged"], row["gpaw_converged"]) == ("", "1", "1")
    a = (4 * atoms_of(tmp_path / "out" / row["cif"]).get_volume()) ** (1 / 3)
    assert a == pytest.approx(4.25, rel=0.015)


def test_what_cannot_be_asked_is_refused_with_what_can() -> None:
    def refused(stages: object) -> str:
        with pytest.raises(ConfigError) as error:
            config.validate(RelaxSettings, {"stages": stages}, "test")
        return str(error.value)

    assert "there is no calculator 'chgnt': did you mean chgnet? valid: abinit" in refused(["chgnt"])
    said = refused([{"calculator": "gpaw", "cell": "full"}])
    assert "below a cutoff of 700 eV (given: 600): use cell=volume" in said
    assert "unknown key cutof: did you mean cutoff?" in refused(
        [{"calculator": "gpaw", "parameters": {"cutof": 1}}]
    )
    assert "unknown key stages.0.step: did you mean steps?" in refused([{"calculator": "emt", "step": 3}])
    assert "stages" in refused([])


def test_a_calculator_that_cannot_be_made_is_said_before_any_work(metals: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"tersoff cannot be made with parameters=\{\}: TypeError: .*missing"
    ):
        relax(metals / "cifs", tmp_path / "out", ["tersoff"])
    with pytest.raises(ConfigError, match="tip3p does not compute stress: take cell=volume"):
        relax(metals / "cifs", tmp_path / "out", ["tip3p"])
    with pytest.raises(MissingDependencyError, match="of the package nowhere, which is not installed"):
        relax(metals / "cifs", tmp_path / "out", ["nowhere.at:All"])
    with pytest.raises(SourceError):
        relax(tmp_path / "absent", tmp_path / "out", ["emt"])


@pytest.mark.parametrize(("name", "other"), [("chgnet", "gpaw"), ("gpaw", "chgnet")])
def test_without_an_extra_it_says_how_to_do_without(
    monkeypatch: pytest.MonkeyPatch, name: str, other: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == name else find(n, *a))
    with pytest.raises(MissingDependencyError, match=rf"hpcvox\[{name}\].*such as by stages=\[{other}\]"):
        job.run(config.validate(RelaxSettings, {"stages": [name]}, "test"))


def test_a_folder_in_use_is_left_alone(metals: Path) -> None:
    script = "import sys, time; from pathlib import Path; from hpcvox.files import durable\n"
    script += "with durable.sole_writer(Path(sys.argv[1])): print(flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", script, metals / "out"], stdout=subprocess.PIPE) as holding:
        assert holding.stdout is not None
        holding.stdout.readline()
        try:
            with pytest.raises(BusyError):
                relax(metals / "cifs", metals / "out", ["emt"])
        finally:
            holding.kill()
