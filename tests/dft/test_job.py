"""Real self-consistent fields: electrons, symmetry, and the field file that comes of them."""

import csv
import importlib.util
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write

from hpcvox.calculators import gpaw
from hpcvox.calculators.density import smoothed
from hpcvox.cli import main
from hpcvox.crystals.fields import read_field
from hpcvox.crystals.fields.crystal import FieldCrystal
from hpcvox.crystals.parse import parse
from hpcvox.crystals.sources.source import open_fields, open_source
from hpcvox.dft import job
from hpcvox.dft.settings import DftSettings
from hpcvox.errors import ConfigError, MissingDependencyError
from tests.support.paths import ROOT

pytestmark = pytest.mark.usefixtures("ray")
needs_gpaw = pytest.mark.skipif(not gpaw.installed(), reason="GPAW is not installed")
CONFIGS = ROOT / "configs"
QUICK = {"cutoff": 340.0, "k_density": 1.0, "actors": 2}


def cifs(folder: Path, **crystals: Atoms) -> Path:
    """A folder of CIFs."""
    folder.mkdir()
    for name, atoms in crystals.items():
        write(folder / f"{name}.cif", atoms)
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over MgO (in its cube), NiO, a crystal of an element without data set, and no crystal at all."""
    place = tmp_path_factory.mktemp("dft")
    source = cifs(
        place / "cifs",
        MgO=bulk("MgO", "rocksalt", a=4.212, cubic=True),
        NiO=bulk("NiO", "rocksalt", a=4.177),
        PuO=bulk("PuO", "rocksalt", a=4.96),
    )
    (source / "none.cif").write_text("data_none\n")
    outcome = job.run(DftSettings(source=source, out=place / "out", **QUICK))
    assert outcome.exit_status == 4
    assert "2 densities" in outcome.summary
    assert "no-data-set 1" in outcome.summary
    return place


@needs_gpaw
def test_fields_hold_their_electrons(finished: Path) -> None:
    """Exact counts, no negative value, the symmetry of the crystal, and the atoms where they are."""
    source = open_fields(finished / "out" / "fields")
    assert [entry.id for entry in source] == ["MgO.gpaw-pbe.CHGCAR", "NiO.gpaw-pbe.CHGCAR"]
    electrons = {"MgO": 16, "NiO": 22}
    for entry in source:
        (crystal,) = parse(entry)
        assert isinstance(crystal, FieldCrystal)
        assert crystal.n_sites == 2, "the primitive cell"
        density = crystal.field.values[0]
        assert density.shape == (32, 32, 32)
        assert crystal.field.integral[0] == pytest.approx(electrons[crystal.formula], abs=1e-9)
        assert density.min() > 0.05
        for axes in ((1, 0, 2), (2, 1, 0), (1, 2, 0)):  # of the three equal edges of the primitive cell
            np.testing.assert_allclose(density, density.transpose(axes), atol=1e-9)
        inverted = np.roll(density[::-1, ::-1, ::-1], 1, (0, 1, 2))
        np.testing.assert_allclose(density, inverted, atol=1e-9)
        # Mg 2p and Ni 3d are valence electrons and denser than O's; O's own peak is higher than all around it.
        sites = [tuple(np.rint(site * 32).astype(int) % 32) for site in crystal.frac]
        metal, oxygen = (sites[i] for i in np.argsort(-crystal.numbers.astype(int)))
        assert np.unravel_index(density.argmax(), density.shape) == metal
        near = np.roll(density, tuple(8 - k for k in oxygen), (0, 1, 2))[4:13, 4:13, 4:13]
        assert np.unravel_index(near.argmax(), near.shape) == (4, 4, 4)
        assert entry.file is not None
        head = entry.file.read_text().splitlines()[0]
        for word in (
            "gpaw 26.",
            "PBE",
            "PW 340 eV",
            "valence",
            f"{electrons[crystal.formula]} electrons",
            "O:6",
        ):
            assert word in head


@needs_gpaw
def test_the_tables_list_every_crystal(finished: Path) -> None:
    rows = table(finished / "out" / "dft.csv")
    assert [(row["id"], row["formula"], row["electrons"]) for row in rows] == [
        ("MgO", "MgO", "16"),
        ("NiO", "NiO", "22"),
    ]
    assert [float(row["moment"]) > 0.5 for row in rows] == [False, True]
    for row in rows:
        assert (row["converged"], row["cutoff_eV"], row["xc"]) == ("1", "340", "PBE")
        assert -12 < float(row["energy_eV"]) < -4
        assert float(row["seconds"]) > 0
        assert row["k_points"] == "3x3x3"
    rejects = table(finished / "out" / "rejects.csv")
    assert [(row["id"], row["code"]) for row in rejects] == [("PuO", "no-data-set"), ("none", "no-structure")]
    assert "no PAW data set of Pu" in rejects[0]["message"]
    source = open_source(finished / "out" / "dft.csv")  # which is a source itself, with energies
    assert "energy_per_atom_eV" in source.target_names
    assert [entry.id for entry in source] == ["MgO", "NiO"]


@pytest.mark.slow
@needs_gpaw
def test_run_again_does_nothing_anew(finished: Path, tmp_path: Path) -> None:
    """Nothing but a field that is damaged, and that comes out the same to the byte."""
    out = tmp_path / "out"
    shutil.copytree(finished / "out", out)
    (field,) = (out / "fields").glob("MgO*")
    whole = field.read_bytes()
    field.write_bytes(whole[:-1] + b"9")
    before = {path: path.stat().st_mtime_ns for path in (out / "fields").iterdir()}
    tables = (out / "rejects.csv").read_bytes()
    outcome = job.run(DftSettings(source=finished / "cifs", out=out, **QUICK))
    assert "2 densities" in outcome.summary
    assert "1 crystal done by an earlier run" in outcome.summary
    assert field.read_bytes() == whole
    after = {path: path.stat().st_mtime_ns for path in (out / "fields").iterdir()}
    assert [path for path in before if before[path] != after[path]] == [field]
    assert (out / "rejects.csv").read_bytes() == tables
    outcome = job.run(DftSettings(source=finished / "cifs", out=out, **QUICK))
    assert "2 crystals done by an earlier run" in outcome.summary
    assert after == {path: path.stat().st_mtime_ns for path in (out / "fields").iterdir()}


@needs_gpaw
def test_other_settings_are_refused_in_the_same_folder(finished: Path) -> None:
    with pytest.raises(ConfigError, match=r"other settings: cutoff \(340.0 → 400.0\)"):
        job.run(DftSettings(source=finished / "cifs", out=finished / "out", cutoff=400))


@needs_gpaw
def test_fields_become_spots(finished: Path, tmp_path: Path) -> None:
    """``hpcvox featurize`` reads what ``hpcvox dft`` wrote."""
    given = [f"source={finished}/out/fields", f"out={tmp_path}/spots", "field=file", "actors=1"]
    assert main(["featurize", str(CONFIGS / "featurize_r3dvs.yaml"), *given]) == 0
    with h5py.File(tmp_path / "spots" / "set.h5") as shards:
        means = shards["mean"][:].ravel()
    np.testing.assert_allclose(means, [16 / (4.212**3 / 4), 22 / (4.177**3 / 4)], rtol=1e-6)


@pytest.mark.slow
@needs_gpaw
def test_what_does_not_converge_or_takes_too_long_is_a_reject(tmp_path: Path) -> None:
    source = cifs(tmp_path / "cifs", MgO=bulk("MgO", "rocksalt", a=4.212))
    given = {"source": source, **QUICK}
    job.run(DftSettings(out=tmp_path / "one", max_iterations=1, **given))
    (reject,) = table(tmp_path / "one" / "rejects.csv")
    assert (reject["id"], reject["code"]) == ("MgO", "not-converged")
    assert "within 1 iterations" in reject["message"]
    outcome = job.run(DftSettings(out=tmp_path / "one", max_iterations=1, **given))
    assert "1 crystal done by an earlier run" in outcome.summary

    job.run(DftSettings(out=tmp_path / "two", timeout_s=0.5, **given))
    (reject,) = table(tmp_path / "two" / "rejects.csv")
    assert (reject["code"], reject["message"]) == ("timeout", "it took longer than timeout_s=0.5 seconds")
    outcome = job.run(DftSettings(out=tmp_path / "two", timeout_s=0.5, **given))
    assert "1 crystal done by an earlier run" in outcome.summary
    outcome = job.run(DftSettings(out=tmp_path / "two", timeout_s=600, **given))
    assert "1 density" in outcome.summary, "with more time it is tried again"
    assert not (tmp_path / "two" / ".scratch").exists()


def test_without_gpaw_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "gpaw" else find(name, *a)
    )
    with pytest.raises(MissingDependencyError, match=r"HPCVOX_EXTRAS='chgnet gpaw' make setup"):
        job.run(DftSettings(out=Path("/nonexistent")))


@needs_gpaw
@pytest.mark.slow
def test_against_densities_of_another_script(shared_data: Path, tmp_path: Path) -> None:
    """At the defaults: MgO's density and energy as a script of its own, with GPAW, has them."""
    folder = shared_data / "oxide_densities"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    source = cifs(tmp_path / "cifs", MgO=bulk("MgO", "rocksalt", a=4.212))
    job.run(DftSettings(source=source, out=tmp_path / "out", actors=1))
    (row,) = table(tmp_path / "out" / "dft.csv")
    (expected,) = (row for row in table(folder / "index.csv") if row["name"] == "MgO_rs")
    assert float(row["energy_eV"]) == pytest.approx(float(expected["energy_eV"]), abs=1e-4)
    (crystal,) = parse(next(iter(open_fields(tmp_path / "out" / "fields"))))
    assert isinstance(crystal, FieldCrystal)
    with np.load(folder / "oxides.npz") as data:
        rho = data["rho"][data["name"].tolist().index("MgO_rs")]
    difference = np.abs(crystal.field.values[0] - rho).sum() / rho.sum()
    assert difference < 1e-4


@needs_gpaw
@pytest.mark.slow
def test_against_a_density_of_vasp(shared_data: Path, tmp_path: Path) -> None:
    """Silicon's valence density is that of another code, smoothed alike, to some percent (3.2 % when this was made)."""
    theirs = read_field(shared_data / "charge_density" / "atomate_Si_static.CHGCAR.xz")
    atoms = Atoms(numbers=theirs.numbers, scaled_positions=theirs.frac, cell=theirs.lattice, pbc=True)
    source = cifs(tmp_path / "cifs", Si=atoms)
    job.run(DftSettings(source=source, out=tmp_path / "out", actors=1, cell="as-given"))
    (crystal,) = parse(next(iter(open_fields(tmp_path / "out" / "fields"))))
    assert isinstance(crystal, FieldCrystal)
    ours = crystal.field.values[0]
    none = np.zeros(len(theirs.frac))
    expected = smoothed(theirs.values[0], theirs.lattice, theirs.frac, none, 8, 0.2, ours.shape)
    assert np.abs(ours - expected).sum() / expected.sum() < 0.05
