"""The job ``database``: what it writes, that it goes on where it stopped, and that actors do not matter."""

import csv
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox.calculators import chgnet
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source
from hpcvox.database import ewald, job, tables
from hpcvox.database.prototypes.compounds import draw
from hpcvox.database.settings import DatabaseSettings
from hpcvox.errors import BusyError, MissingDependencyError

pytestmark = pytest.mark.usefixtures("ray")


def contents(folder: Path) -> dict[str, bytes]:
    names = ("crystals.csv", "rejects.csv", "database.json")
    return {name: (folder / name).read_bytes() for name in names}


def test_ewald_is_named_so_and_the_table_is_a_source(tmp_path: Path) -> None:
    settings = DatabaseSettings(out=tmp_path / "db", size=100, energy="ewald", actors=1)
    outcome = job.run(settings)
    assert outcome.exit_status == 0
    assert "100 crystals (34 AB, 33 ABX3, 33 Heusler), energies by ewald" in outcome.summary
    source = open_source(tmp_path / "db" / "crystals.csv")
    assert source.total == 100
    assert source.target_names == ("space_group", "lattice_constant", "ewald_energy")
    for entry, prototype in zip(source, draw(100, 0), strict=True):
        assert entry.id == prototype.id
        (crystal,) = parse(entry)
        assert isinstance(crystal, Crystal)
        assert crystal.lattice[0, 0] == pytest.approx(prototype.start, abs=1e-6)
    with (tmp_path / "db" / "crystals.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert "formation_energy" not in rows[0]
    models = {row["class"]: row["energy_model"] for row in rows}
    assert models["AB"] == "ewald, formal charges"
    assert models["Heusler"] == "ewald, charges from electronegativity"
    card = json.loads((tmp_path / "db" / "database.json").read_text())
    assert card["target"] == "ewald_energy"
    assert "not a formation energy" in card["meaning"]
    assert "energy: ewald" in (tmp_path / "db" / "config.yaml").read_text()


@pytest.mark.slow
def test_stopped_and_run_again_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    job.run(DatabaseSettings(out=whole, size=120, energy="ewald", actors=2))

    def interrupted(*arguments: object) -> object:
        raise KeyboardInterrupt

    # Stop before anything is put together, with some parts kept, one torn and one of another draw.
    settings = DatabaseSettings(out=stopped, size=120, energy="ewald", actors=1)
    with monkeypatch.context() as patch:
        patch.setattr(tables, "assembled", interrupted)
        with pytest.raises(KeyboardInterrupt):
            job.run(settings)
    assert not (stopped / "crystals.csv").exists()
    parts = sorted((stopped / "parts").glob("crystals-*.json"))
    assert len(parts) == 8
    parts[1].write_text("{")
    parts[2].write_bytes(parts[3].read_bytes())
    parts[4].unlink()
    kept = {path: path.stat().st_mtime_ns for path in parts if path.exists()}
    job.run(settings)
    assert [path for path in parts if path.stat().st_mtime_ns != kept.get(path)] == [
        parts[1],
        parts[2],
        parts[4],
    ]
    assert contents(stopped) == contents(whole)


def test_a_folder_that_another_run_writes_is_refused(tmp_path: Path) -> None:
    held = "import sys, time; from pathlib import Path; from hpcvox.files import durable\n"
    held += "with durable.sole_writer(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", held, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match=f"pid {other.pid}"):
            job.run(DatabaseSettings(out=tmp_path, size=100, energy="ewald"))
        other.kill()


def test_without_chgnet_auto_takes_ewald_and_chgnet_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "chgnet" else find(name, *a)
    )
    assert not chgnet.installed()
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpcvox\[chgnet\]'"):
        job.run(DatabaseSettings(out=Path("/nonexistent"), energy="chgnet"))


def test_madelung_energies() -> None:
    """Rocksalt and CsCl: the Madelung constants 1.74756 and 1.76267 of the literature."""
    for prototype in draw(200, 0):
        constant, per_cell = {"rocksalt": (1.747565, 0.5), "CsCl": (1.762675, 3**0.5 / 2)}.get(
            prototype.structure, (0, 0)
        )
        if constant:
            q = prototype.charges[0]
            expected = -14.399645 * q * q * constant / (prototype.start * per_cell) / 2
            assert ewald.energy(prototype) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not chgnet.installed(), reason="CHGNet is not installed")
def test_chgnet_database_does_not_depend_on_actors_or_interruption(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    job.run(DatabaseSettings(out=one, size=100, energy="chgnet", actors=1))
    # two actors go on where one was stopped early, with an element and some crystals
    parts = sorted((one / "parts").glob("*.json"))
    kept = [next(part for part in parts if part.name.startswith("reference-")), parts[0]]
    assert parts[0].name.startswith("crystals-00000-")
    (two / "parts").mkdir(parents=True)
    for part in kept:
        shutil.copy2(part, two / "parts")
    job.run(DatabaseSettings(out=two, size=100, energy="chgnet", actors=2))
    assert sorted(part.name for part in (two / "parts").glob("*.json")) == [part.name for part in parts]
    for part in kept:
        assert (two / "parts" / part.name).stat().st_mtime_ns == part.stat().st_mtime_ns, "it is kept"
    assert contents(one) == contents(two)
    assert (one / "references.csv").read_bytes() == (two / "references.csv").read_bytes()
    with (one / "crystals.csv").open(newline="") as table:
        energies = [float(row["formation_energy"]) for row in csv.DictReader(table)]
    assert len(energies) >= 95
    assert -4 < min(energies) < -1
    assert max(energies) < 5
