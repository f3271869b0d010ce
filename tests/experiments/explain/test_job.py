"""``hpcvox explain``: its table, pictures and summary, and what it refuses."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write
from matplotlib import colormaps
from matplotlib.image import imread

import hpcvox
from hpcvox import cli
from hpcvox.errors import ConfigError
from hpcvox.experiments.explain import drawing
from hpcvox.experiments.explain.summary import ExplainSummary
from hpcvox.networks.fingerprint.at_work import Classifier
from hpcvox.networks.fingerprint.explanation import Explanation
from tests.support.fingerprint_network import network_folder

CRYSTALS = {
    "Cu": bulk("Cu", "fcc", a=3.61, cubic=True),
    "Fe": bulk("Fe", "bcc", a=2.87, cubic=True),
    "Si": bulk("Si", "diamond", a=5.43, cubic=True),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CIFs of three crystals and one that is no CIF, and a network with random weights."""
    place = tmp_path_factory.mktemp("explained")
    (place / "cifs").mkdir()
    for name, atoms in CRYSTALS.items():
        write(place / "cifs" / f"{name}.cif", atoms)
    (place / "cifs" / "Bad.cif").write_text("data_Bad\nnothing\n")
    network_folder(place / "run")
    return place


def explain(folder: Path, out: Path, *more: str) -> int:
    given = [f"source={folder / 'cifs'}", f"model={folder / 'run'}", f"out={out}", *more]
    return cli.main(["explain", *given])


@pytest.fixture(scope="module")
def out(folder: Path) -> Path:
    """What is said of them."""
    assert explain(folder, folder / "out", "draws=10") == 4
    return folder / "out"


def table(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def made(out: Path) -> dict[str, bytes]:
    """The bytes of all that is made in a folder."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and path.name[0] != ".")
    return {str(path.relative_to(out)): path.read_bytes() for path in files if path.name != "config.yaml"}


def test_the_table_has_a_row_a_crystal_and_says_what_python_says(folder: Path, out: Path) -> None:
    rows = table(out / "explained.csv")
    assert list(rows) == ["Cu", "Fe", "Si"]
    network = hpcvox.load(folder / "run")
    for id, row in rows.items():
        seen = network.explain(folder / "cifs" / f"{id}.cif")
        first, second, _ = seen.ranked
        assert (row["formula"], row["class"], row["runner_up"]) == (id, first, second)
        assert float(row["probability"]) == pytest.approx(seen.probabilities[first], rel=1e-5)
        assert float(row["runner_up_probability"]) == pytest.approx(seen.probabilities[second], rel=1e-5)
        assert [layer.layer for layer in seen.layers] == [1, 3, 4]
        for layer in seen.layers:
            assert row[f"filters_of_layer_{layer.layer}"] == " ".join(map(str, layer.filters))
        doubt = network.uncertainty(folder / "cifs" / f"{id}.cif", draws=10)
        assert float(row["entropy"]) == pytest.approx(doubt.entropy[0], rel=1e-5)
        assert float(row["mutual_information"]) == pytest.approx(doubt.mutual_information[0], rel=1e-5)


def test_the_probability_without_light_is_that_of_the_darkened_fingerprint(folder: Path, out: Path) -> None:
    network = Classifier(folder / "run")
    row = table(out / "explained.csv")["Cu"]
    seen = hpcvox.load(folder / "run").explain(folder / "cifs" / "Cu.cif")
    for column, at in (("attended", seen.template), ("brightest", seen.fingerprint)):
        dark = seen.fingerprint.copy()
        # one pixel after the other, until 30 % of the light is gone
        for place in zip(*np.unravel_index(np.argsort(-at, axis=None, kind="stable"), at.shape), strict=True):
            dark[place] = 0
            if dark.sum(dtype=float) <= 0.7 * seen.fingerprint.sum(dtype=float):
                break
        assert 0 < dark.sum() < 0.7001 * seen.fingerprint.sum()
        left = network.explain(dark, None, 1).probabilities[row["class"]]
        assert float(row[f"probability_without_{column}"]) == pytest.approx(left, rel=1e-5)


def test_what_is_no_crystal_is_a_reject_with_its_reason(out: Path) -> None:
    ((id, row),) = table(out / "rejects.csv").items()
    assert (id, row["code"]) == ("Bad", "cif-syntax")
    assert row["message"]


def test_the_summary_counts_inputs_and_classes(folder: Path, out: Path) -> None:
    summary = ExplainSummary.load(out)
    assert summary is not None
    assert (summary.read, summary.explained, summary.rejects) == (4, 3, {"cif-syntax": 1})
    assert (summary.model, summary.layers, summary.filters) == (str(folder / "run"), [1, 3, 4], 4)
    said = [row["class"] for row in table(out / "explained.csv").values()]
    assert {name: named.crystals for name, named in summary.classes.items()} == {
        name: said.count(name) for name in said
    }
    assert all(1 / 3 < named.mean_probability <= 1 for named in summary.classes.values())


def test_the_same_bytes_again_and_alone(folder: Path, out: Path, tmp_path: Path) -> None:
    assert explain(folder, tmp_path / "again", "draws=10") == 4
    assert made(tmp_path / "again") == made(out)
    alone = ["draws=10", f"source={folder / 'cifs' / 'Si.cif'}"]
    assert explain(folder, tmp_path / "alone", *alone) == 0
    assert table(tmp_path / "alone" / "explained.csv")["Si"] == table(out / "explained.csv")["Si"]
    assert made(tmp_path / "alone")["pictures/Si.png"] == made(out)["pictures/Si.png"]


def test_a_limit_takes_inputs_evenly_and_the_pictures_of_others_go(folder: Path, tmp_path: Path) -> None:
    assert explain(folder, tmp_path, "limit=2", "draws=0", "removed=0", "formats=[svg]") == 4
    # of Bad, Cu, Fe, Si the first and the third
    assert list(table(tmp_path / "explained.csv")) == ["Fe"]
    assert {path.name for path in tmp_path.glob("**/*.svg")} == {"Fe.svg", "classes.svg"}
    row = table(tmp_path / "explained.csv")["Fe"]
    assert (row["entropy"], row["probability_without_attended"]) == ("", "")
    assert "mean_without_attended" not in (tmp_path / "summary.json").read_text()


def test_defects_are_drawn_from_the_seed(folder: Path, tmp_path: Path) -> None:
    def picture(*more: str) -> bytes:
        out = tmp_path / "-".join(more)
        given = [f"source={folder / 'cifs' / 'Cu.cif'}", *more]
        assert explain(folder, out, *given) == 0
        return (out / "pictures" / "Cu.png").read_bytes()

    damaged = [picture("vacancies=0.3", f"seed={seed}") for seed in (0, 1)]
    assert len({picture("vacancies=0"), *damaged}) == 3


def test_tiles_are_the_arrays(folder: Path, out: Path) -> None:
    """Each pixel of a map is a square of the picture in the colour of its value; the first row is at the bottom."""
    seen = hpcvox.load(folder / "run").explain(CRYSTALS["Cu"], layers=[1], filters=1)
    assert isinstance(seen, Explanation)
    tile = drawing.map_tiles(seen.template)[2]
    shown = np.clip(seen.template[..., 2] / seen.template.max(), 0, 1)
    assert np.allclose(tile, np.asarray(colormaps["viridis"](shown))[..., :3], atol=0.01)
    drawing.picture(seen).savefig(out.parent / "one.png", dpi=150)
    image = imread(out.parent / "one.png")
    pixel = round(drawing.PICTURE * 150 / 16)
    # the margin on the right is a tenth of an inch
    right, bottom = image.shape[1] - 15, image.shape[0] - round(150 * drawing.BELOW)
    for row, column in ((0, 15), (7, 3), (15, 0)):
        y, x = bottom - round((row + 0.5) * pixel), right - round((15 - column + 0.5) * pixel)
        np.testing.assert_allclose(image[y, x, :3], tile[row, column], atol=0.02)


def test_python_draws_what_it_explains(folder: Path) -> None:
    seen = hpcvox.load(folder / "run").explain(CRYSTALS["Fe"], filters=2)
    figure = hpcvox.plot_explanation(seen)
    assert (
        figure.texts[0].get_text().startswith(f"{seen.ranked[0]} {seen.probabilities[seen.ranked[0]]:.3f}, ")
    )
    heads = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    filters = [number for layer in seen.layers for number in layer.filters.tolist()]
    assert heads == ["", *(f"filter {number}" for number in filters), "sum of all"]


@pytest.mark.parametrize("name", CRYSTALS)
def test_the_shipped_network_looks_at_the_spots_also_where_a_quarter_of_the_atoms_is_missing(
    name: str,
) -> None:
    network = hpcvox.load("crystal_classes")
    whole = CRYSTALS[name].repeat(3 if name == "Si" else 4)
    damaged = whole.copy()
    del damaged[np.random.default_rng(0).permutation(len(whole))[: len(whole) // 4]]
    seen = [network.explain(atoms) for atoms in (whole, damaged)]
    assert [one.ranked[0] for one in seen] == [{"Cu": "fcc", "Fe": "bcc", "Si": "diam"}[name]] * 2
    spots = seen[0].fingerprint > 0.03
    assert spots.mean() < 0.03
    for one in seen:
        light = np.maximum(one.template, 0)
        assert light[spots].sum() > 0.25 * light.sum(), "spots are 3 % of the pixels"
    assert np.corrcoef(seen[0].template.ravel(), seen[1].template.ravel())[0, 1] > 0.8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["layers=[1, 9]"], "has 4 convolutions, and 9 is none of them: give 1 to 4"),
        (["layers=[0]"], "layers.0: .*greater than or equal to 1"),
        (["model=perovskites"], "vae"),
        (["model=crystal_clases"], "did you mean crystal_classes"),
        (["source=nothing"], "source=nothing: there is no such file or folder"),
        (["formats=[gif]"], "'png', 'svg' or 'pdf'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    folder: Path, tmp_path: Path, given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(folder, tmp_path / "none", *given) == 2
    message = capsys.readouterr().err
    assert re.search(said, message), message
    assert len(message.splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_other_settings_do_not_mix_with_what_is_there(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(folder, tmp_path, "draws=0") == 4
    assert explain(folder, tmp_path, "draws=0", "filters=2") == 2
    assert "filters (4 → 2)" in capsys.readouterr().err
    assert explain(folder, tmp_path, "draws=0", "filters=2", "overwrite=true") == 4
    assert all(
        len(row["filters_of_layer_1"].split()) == 2 for row in table(tmp_path / "explained.csv").values()
    )


def test_a_network_without_dropout_says_no_uncertainty(tmp_path: Path, folder: Path) -> None:
    run = network_folder(tmp_path / "run", dropout=0.0)
    assert explain(folder, tmp_path / "out", f"model={run}", "limit=0") == 4
    assert {row["entropy"] for row in table(tmp_path / "out" / "explained.csv").values()} == {""}
    with pytest.raises(ConfigError, match="trained without dropout"):
        hpcvox.load(run).uncertainty(CRYSTALS["Cu"])
