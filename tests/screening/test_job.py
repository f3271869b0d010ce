"""Screening on a real Ray with networks that were trained here: values, choice, files, nothing lost."""

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition, Structure

from hpcvox import cli, config
from hpcvox.actors.campaign import Part
from hpcvox.actors.cluster import cluster
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.names import file_stem
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import CheckpointError, ConfigError, HpcvoxError
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.networks.cgcnn.task import predict
from hpcvox.screening import job
from hpcvox.screening import networks as networks_module
from hpcvox.screening.columns import Columns
from hpcvox.screening.hull import hull_of, read_references
from hpcvox.screening.job import PART, run
from hpcvox.screening.networks import PropertyNetworks
from hpcvox.screening.settings import ScreenSettings
from hpcvox.screening.worker import Row, ScreenWorker
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.stability.phases import Phase
from hpcvox.training.job import run as train
from tests.support.graph_shards import Named, crystals, make_graphs
from tests.support.training_runs import wait_for

FILES = ("properties.csv", "screened.csv", "rejects.csv", "summary.json")
WHERE = "where=formation_energy < -0.1 and band_gap < 0.5 and formation_energy_std < 10"


def named() -> Iterator[Named]:
    """Crystals with targets of the paper's names, that their composition decides; half of them metals."""
    for one in crystals():
        affinity = one.targets["affinity"]
        energy, gap = 1.8 - affinity, affinity - 2.2
        known = {"refractive_index": 1 + affinity}
        yield one._replace(
            targets={"formation_energy": energy, "band_gap": gap, "n_sites": affinity, **known}
        )


@pytest.fixture(scope="module", autouse=True)
def pool() -> Iterator[None]:
    """One Ray for all tests here; the job finds it running and uses it."""
    with cluster(2):
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Graphs, networks trained on them, and CIFs of the same crystals, of one unseen and of one that is none."""
    place = tmp_path_factory.mktemp("screen")
    shards = make_graphs(place / "graphs", list(named()), symprec=0.01)
    for name, *more in (
        ("energy_0", "target=formation_energy"),
        ("energy_1", "target=formation_energy", "seed=1"),
        ("gap", "target=band_gap"),
        ("index", "target=refractive_index", "log=true"),
        ("sites", "target=n_sites", "epochs=1"),
    ):
        given = [f"shards={shards}", f"out={place / name}", "epochs=6", "batch_size=8", "threads=1"]
        train(config.load(TrainCGCNNSettings, None, [*given, *more]))
    (place / "cifs").mkdir()
    made = [*named(), Named("Th", "Th", crystals()[-1].cell._replace(numbers=np.array([90], np.uint8)), {})]
    for one in made:
        crystal = Crystal(one.id, "made", one.cell.lattice, one.cell.frac % 1, one.cell.numbers, {})
        (place / "cifs" / f"{one.id}.cif").write_text(cif_text(crystal))
    (place / "cifs" / "broken.cif").write_text("data_broken\nloop_\n")
    return place


def settings(place: Path, out: Path, *more: str) -> ScreenSettings:
    models = ", ".join(str(place / name) for name in ("energy_0", "energy_1", "gap", "index"))
    given = [f"source={place / 'cifs'}", f"models=[{models}]", f"out={out}", "actors=2", *more]
    return config.load(ScreenSettings, None, given)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float:
    return float(text) if text else math.nan


@pytest.fixture(scope="module")
def screened(place: Path) -> Path:
    """The folder of a screening that went through, with rejects."""
    outcome = run(settings(place, place / "screened", WHERE, "rank=band_gap", "descending=true"))
    assert outcome.exit_status == 4
    assert "no uncertainty of band_gap, refractive_index (one network alone)" in outcome.summary
    assert "1 reject" in outcome.summary
    return place / "screened"


def test_every_input_has_its_values_or_its_reason(place: Path, screened: Path) -> None:
    rows, rejects = table(screened / "properties.csv"), table(screened / "rejects.csv")
    ids = sorted(path.stem for path in (place / "cifs").iterdir())
    assert sorted([row["id"] for row in rows] + [row["id"] for row in rejects]) == ids
    assert [row["id"] for row in rejects] == ["broken"]
    assert list(rows[0]) == [
        *("id", "formula", "n_sites", "n_elements", "volume", "density", "formation_energy"),
        *("formation_energy_std", "band_gap", "band_gap_std", "refractive_index", "refractive_index_std"),
        "unseen_elements",
    ]


def test_the_values_are_those_of_the_networks_in_the_targets_units(place: Path, screened: Path) -> None:
    graphs = ShardSet.open(place / "graphs")
    both = np.stack([predict(place / name, graphs) for name in ("energy_0", "energy_1")])
    gap, index = (predict(place / name, graphs) for name in ("gap", "index"))
    metal = gap <= 0
    assert 0 < metal.sum() < len(metal), "crystals of both kinds are needed here"
    wanted = {
        "formation_energy": both.mean(0),
        "formation_energy_std": np.abs(both[0] - both[1]) / np.sqrt(2),
        "band_gap": np.where(metal, 0, gap),
        "refractive_index": np.where(metal, np.nan, index),
    }
    rows = {row["id"]: row for row in table(screened / "properties.csv")}
    for column, values in wanted.items():
        found = [number(rows[id][column]) for id in graphs.ids]
        np.testing.assert_allclose(found, values, rtol=1e-4, atol=1e-5)
    assert {row["band_gap_std"] + row["refractive_index_std"] for row in rows.values()} == {""}
    assert all(len(rows[id]["band_gap"].strip("-0.").replace(".", "")) <= 6 for id in graphs.ids)


def test_an_unseen_element_is_said_and_has_no_value(screened: Path) -> None:
    rows = table(screened / "properties.csv")
    (strange,) = [row for row in rows if row["unseen_elements"]]
    assert (strange["id"], strange["unseen_elements"]) == ("Th", "Th")
    assert strange["formation_energy"] == strange["formation_energy_std"] == strange["band_gap"] == ""
    assert strange["id"] not in [row["id"] for row in table(screened / "screened.csv")]


def test_the_density_is_that_of_pymatgen(place: Path, screened: Path) -> None:
    for row in table(screened / "properties.csv")[::7]:
        structure = Structure.from_file(place / "cifs" / f"{row['id']}.cif")
        assert float(row["density"]) == pytest.approx(float(structure.density), rel=1e-4)
        assert float(row["volume"]) == pytest.approx(structure.volume, rel=1e-5)


def test_those_that_pass_are_sorted_and_written(screened: Path) -> None:
    rows = table(screened / "properties.csv")
    clauses: list[Callable[[dict[str, str]], bool]] = [
        lambda row: number(row["formation_energy"]) < -0.1,
        lambda row: number(row["band_gap"]) < 0.5,
        lambda row: number(row["formation_energy_std"]) < 10,
    ]
    passing = [row for row in rows if all(clause(row) for clause in clauses)]
    assert 1 < len(passing) < len(rows) - 1
    expected = sorted(passing, key=lambda row: -float(row["band_gap"]))
    found = table(screened / "screened.csv")
    assert [{k: v for k, v in row.items() if k != "cif"} for row in found] == expected
    assert sorted(path.name for path in (screened / "cifs").iterdir()) == sorted(
        row["cif"].removeprefix("cifs/") for row in found
    )
    for row in found:
        (entry,) = open_source(screened / row["cif"])
        (crystal,) = parse(entry)
        assert isinstance(crystal, Crystal)
        assert (crystal.formula, crystal.n_sites) == (row["formula"], int(row["n_sites"]))

    summary = json.loads((screened / "summary.json").read_text())
    counts = {name: summary[name] for name in ("read", "rejected", "predicted", "with_unseen_elements")}
    assert counts == {
        "read": len(rows) + 1,
        "rejected": 1,
        "predicted": len(rows),
        "with_unseen_elements": 1,
    }
    assert summary["metals"] == sum(row["band_gap"] == "0.0" for row in rows)
    assert [step["passing"] for step in summary["clauses"]] == [sum(map(clause, rows)) for clause in clauses]
    assert [step["left"] for step in summary["clauses"]][-1] == summary["passing"] == len(found)


def test_another_choice_predicts_nothing_anew_and_leaves_no_cif_of_the_one_before(
    place: Path, screened: Path, tmp_path: Path
) -> None:
    out = shutil.copytree(screened, tmp_path / "out")
    (part,) = (out / "parts").iterdir()
    made = part.stat().st_mtime_ns
    before = (out / "properties.csv").read_bytes()
    run(settings(place, out, "where=n_elements == 1 and band_gap >= 0"))
    first = {path.name for path in (out / "cifs").iterdir()}
    run(settings(place, out, "where=n_elements == 3 and band_gap >= 0", "actors=1"))
    second = {path.name for path in (out / "cifs").iterdir()}
    assert first
    assert second
    assert not first & second
    assert (part.stat().st_mtime_ns, (out / "properties.csv").read_bytes()) == (made, before)
    with pytest.raises(ConfigError, match="other settings: metal_gap"):
        run(settings(place, out, "metal_gap=1"))


@pytest.mark.slow
def test_a_source_that_changed_is_predicted_again(place: Path, tmp_path: Path) -> None:
    cifs = tmp_path / "cifs"
    cifs.mkdir()
    files = sorted((place / "cifs").glob("Sr*.cif"))
    (cifs / "a.cif").write_bytes(files[0].read_bytes())
    given = f"source={cifs}"
    assert run(settings(place, tmp_path / "out", given)).exit_status == 0
    first = table(tmp_path / "out" / "properties.csv")
    (cifs / "a.cif").write_bytes(files[1].read_bytes())
    run(settings(place, tmp_path / "out", given))
    (row,) = table(tmp_path / "out" / "properties.csv")
    assert row["formula"] != first[0]["formula"]
    assert len(list((tmp_path / "out" / "parts").iterdir())) == 1


def test_a_crystal_has_the_same_value_whatever_it_is_computed_with(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = PropertyNetworks([place / "energy_0", place / "index"])
    some = [result for entry in open_source(place / "cifs") for result in parse(entry)]
    described = [networks.described(result) for result in some if isinstance(result, Crystal)]
    together = networks.predict(described)
    monkeypatch.setattr(networks_module, "SITES", 1)
    for target, alone in networks.predict(described).items():
        np.testing.assert_allclose(alone.mean, together[target].mean, rtol=1e-5, atol=1e-6)


def worked(settings: ScreenSettings) -> tuple[list[Row], Columns]:
    """The rows of the source, and the columns they have."""
    phases = None if settings.references is None else read_references(settings)
    worker = ScreenWorker(settings, phases)
    return worker(Part(0, list(open_source(settings.source)))), worker.columns


def test_a_target_with_the_name_of_a_column_is_told_apart(place: Path, tmp_path: Path) -> None:
    rows, columns = worked(settings(place, tmp_path, f"models=[{place / 'sites'}]"))
    assert columns.header[2:] == (
        *("n_sites", "n_elements", "volume", "density", "n_sites_predicted", "n_sites_predicted_std"),
        "unseen_elements",
    )
    assert list(columns.names) == ["n_sites", "n_elements", "volume", "density", "n_sites_predicted"]
    five = [row for row in rows if row.get("n_sites") == 5]
    assert len({row["n_sites_predicted"] for row in five}) > 1


@pytest.fixture
def references(tmp_path: Path) -> Path:
    """A table of known phases; one has no energy, one is there twice."""
    path = tmp_path / "known.csv"
    path.write_text("formula,formation_energy\nSrO,-3.0\nO,0.0\nSrO,-2.0\nTiO2,\n")
    return path


def test_the_hull_is_that_of_the_references_and_the_elements(
    place: Path, references: Path, tmp_path: Path
) -> None:
    rows, columns = worked(settings(place, tmp_path, f"references={references}"))
    assert columns.names["energy_above_hull"] == "energy_above_hull"
    seen = set()
    for row in rows:
        if "code" in row:
            continue
        energy, above = row["formation_energy"], row["energy_above_hull"]
        if row["id"] == "Th":
            assert above is None
        elif not {"Sr", "O"} <= set(elements(row["formula"])):
            assert above == energy, "no reference is in its chemical system: the elements are, at 0"
        elif row["formula"] == "SrO":
            assert above == pytest.approx(energy + 3.0, abs=1e-4)
            seen.add("SrO")
        elif row["formula"].startswith("Sr") and row["formula"].endswith(
            "O3"
        ):  # SrO, B, 2 O: 2/5 of the atoms
            assert above == pytest.approx(energy + 0.4 * 3.0, abs=1e-4)
            seen.add("SrBO3")
    assert seen == {"SrO", "SrBO3"}


def test_the_hull_of_three_elements_is_pymatgens_and_by_hand() -> None:
    known = {"SrO": -3.0, "TiO2": -3.3, "SrTiO3": -3.5, "Ti2O3": -3.2}
    hull = hull_of(Phase(f, tuple(Composition(f).get_el_amt_dict().items()), e) for f, e in known.items())
    entries = [PDEntry(Composition(e), 0) for e in ("Sr", "Ti", "O")]
    entries += [PDEntry(Composition(f), e * Composition(f).num_atoms) for f, e in known.items()]
    diagram = PhaseDiagram(entries)
    for formula in ("SrTiO3", "Sr2TiO4", "SrTi2O5", "SrTi", "SrO2", "SrTiO7"):
        composition = Composition(formula)
        entry = PDEntry(composition, -3.1 * composition.num_atoms)
        expected = diagram.get_e_above_hull(entry, allow_negative=True)
        assert hull.distance(composition.get_el_amt_dict(), -3.1) == pytest.approx(expected, abs=1e-9)
    # SrTiO3 and SrO: (5 · 3.5 + 2 · 3.0) / 7 below the elements
    assert hull.distance({"Sr": 2, "Ti": 1, "O": 4}, -3.5) == pytest.approx(-3.5 + 23.5 / 7)
    assert hull.distance({"Sr": 4, "O": 4}, -3.25) == pytest.approx(-0.25)
    assert hull.distance({"Fe": 1}, 0.2) == pytest.approx(0.2)
    assert math.isnan(hull.distance({"Sr": 1}, math.nan))
    assert math.isnan(
        hull.distance(dict.fromkeys(("H", "Li", "Na", "K", "Rb", "Cs", "F", "Cl", "Br"), 1), 0.0)
    )


def test_references_may_be_crystals(place: Path, tmp_path: Path) -> None:
    cif = next((place / "cifs").glob("SrTiO3.cif")).read_text()
    with (tmp_path / "known.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "cif", "formation_energy"), ("a", cif, -3.0), ("b", cif, -3.5)])
    (phase,) = read_references(settings(place, tmp_path, f"references={tmp_path / 'known.csv'}"))
    assert (phase.formula, dict(phase.amounts), phase.energy) == ("SrTiO3", {"Sr": 1, "Ti": 1, "O": 3}, -3.5)


def elements(formula: str) -> list[str]:
    return [element.symbol for element in Composition(formula)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["where=bnd_gap < 1"],
            "no column bnd_gap: did you mean band_gap.*valid: n_sites, n_elements, volume",
        ),
        (["where=band_gap_std < 1"], "no column band_gap_std"),
        (["where=energy_above_hull < 1"], "no column energy_above_hull"),
        (["rank=bandgap"], "rank: there is no column bandgap: did you mean band_gap"),
        (["references=none.csv"], "none.csv: there is no such file"),
        (
            ["reference_formula=name"],
            "reference_formula: there is no column 'name'.*formula, formation_energy",
        ),
        (["reference_energy=e"], "reference_energy: there is no column 'e'"),
        (
            ["formation_energy=formation_enrgy"],
            "no network of models has the target formation_enrgy.*did you mean formation_energy.*valid: .*, band_gap",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_computed(
    place: Path, references: Path, tmp_path: Path, given: list[str], said: str
) -> None:
    if any("reference" in word or "formation_energy=" in word for word in given):
        given = [f"references={references}", *given]
    with pytest.raises(HpcvoxError, match=said) as error:
        run(settings(place, tmp_path / "out", *given))
    assert error.value.exit_status == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Mg,-1.5", "row 2: the element Mg has -1.5 eV/atom.*0 by definition"),
        ("Xx2O,-1.5", "row 2: 'Xx2O' is no formula"),
        ("MgO,low", "row 2: 'low' in the column formation_energy is no number"),
        ("MgO,", "no phase with a number"),
    ],
)
def test_references_that_cannot_be_used(place: Path, tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "known.csv"
    path.write_text(f"formula,formation_energy\n{line}\n")
    with pytest.raises(ConfigError, match=said):
        run(settings(place, tmp_path / "out", f"references={path}"))


def test_networks_that_are_none_or_one_twice(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hold the same network"):
        run(settings(place, tmp_path, f"models=[{place / 'gap'}, {place / '.' / 'gap'}/]"))
    with pytest.raises(CheckpointError, match="no trained model"):
        run(settings(place, tmp_path, f"models=[{place / 'graphs'}]"))


def test_the_source_cannot_lie_in_the_folder_that_is_written(place: Path, screened: Path) -> None:
    with pytest.raises(ConfigError, match="holds the source"):
        run(settings(place, screened, f"source={screened / 'cifs'}"))


@pytest.fixture(scope="module")
def many(place: Path) -> Path:
    """A table of more crystals than two parts hold: the same ones, a little larger each time."""
    path = place / "many.csv"
    lines = []
    for i in range(2 * PART + 40):
        one = crystals()[i % len(crystals())]
        lattice = one.cell.lattice * (1 + 1e-4 * (i // len(crystals())))
        crystal = Crystal(f"c{i}", "made", lattice, one.cell.frac % 1, one.cell.numbers, {})
        lines.append({"id": crystal.id, "cif": "" if i % 100 == 7 else cif_text(crystal)})
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "cif"])
        writer.writeheader()
        writer.writerows(lines)
    return path


@pytest.mark.slow
def test_killed_and_run_again_it_ends_with_the_same_bytes(place: Path, many: Path, tmp_path: Path) -> None:
    given = [f"source={many}", WHERE, "rank=formation_energy"]
    run(settings(place, tmp_path / "undisturbed", *given))
    out = tmp_path / "killed"
    config_file = tmp_path / "screen.yaml"
    config.save(settings(place, out, *given, "actors=1"), config_file)
    process = subprocess.Popen([sys.executable, "-m", "hpcvox", "screen", str(config_file)])
    wait_for(lambda: len(list((out / "parts").glob("[!.]*.json"))) >= 1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "summary.json").exists(), "it was killed after its end"
    assert run(settings(place, out, *given)).exit_status == 4
    for name in FILES:
        assert (out / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes(), name
    cifs = [{p.name: p.read_bytes() for p in (f / "cifs").iterdir()} for f in (out, tmp_path / "undisturbed")]
    assert cifs[0] == cifs[1] != {}


def test_the_command_line(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [f"source={place / 'cifs'}", f"models=[{place / 'gap'}]", f"out={tmp_path}", "actors=1"]
    assert cli.main(["screen", "configs/screen.yaml", *given, "where=1 < band_gap < 3"]) == 4
    assert "screened " in capsys.readouterr().out
    assert cli.main(["screen", *given, "where=exec('1')"]) == 2
    assert "where: \"exec('1')\" is none of what may be written here" in capsys.readouterr().err


def test_an_id_has_a_file_of_its_own() -> None:
    ids = ["x", "a/x", "a%2Fx", ".x", "..", "long" * 50, "long" * 50 + "er", "ΔE", "a\udce9"]
    stems = [file_stem(id) for id in ids]
    assert len(set(stems)) == len(ids)
    assert all("/" not in stem and not stem.startswith(".") and len(stem) <= 150 for stem in stems)


@pytest.mark.slow
def test_an_input_that_kills_its_process_is_a_reject_and_takes_no_other_with_it(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deadly(
        settings: ScreenSettings, phases: Sequence[Phase] | None
    ) -> Callable[[Part[Entry]], list[Row]]:
        worker = ScreenWorker(settings, phases)

        def work(part: Part[Entry]) -> list[Row]:
            if any(entry.id == "SrO" and place not in part.fatal for place, entry in enumerate(part.items)):
                os.kill(os.getpid(), signal.SIGKILL)
            return worker(part)

        return work

    source = tmp_path / "cifs"
    source.mkdir()
    for name in ("SrF", "SrO", "TiO"):
        shutil.copy(place / "cifs" / f"{name}.cif", source)
    given = settings(place, tmp_path / "out", f"source={source}")
    monkeypatch.setattr(job, "ScreenWorker", deadly)
    assert run(given).exit_status == 4
    (lost,) = table(tmp_path / "out" / "rejects.csv")
    assert (lost["id"], lost["code"]) == ("SrO", "worker-died")
    assert [row["id"] for row in table(tmp_path / "out" / "screened.csv")] == ["SrF", "TiO"]
    assert sorted(path.name for path in (tmp_path / "out" / "cifs").iterdir()) == ["SrF.cif", "TiO.cif"]
    monkeypatch.undo()
    assert run(given).exit_status == 0, "the next run tries it again"
    assert len(table(tmp_path / "out" / "properties.csv")) == 3
