"""``judge reference=…``: the metrics of generators, against answers that are known."""

import csv
import importlib.util
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from hpcvox import config
from hpcvox.actors.cluster import cluster
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.errors import ConfigError, MissingDependencyError
from hpcvox.generation.judging import benchmark, coverage
from hpcvox.generation.judging import job as judging
from hpcvox.generation.judging.compositions import (
    STATISTICS,
    _scaler,
    composition_fingerprint,
    composition_valid,
)
from hpcvox.generation.judging.coverage import Fingerprints, nearest
from hpcvox.generation.judging.structures import structure_fingerprint, structure_valid
from hpcvox.generation.settings import JudgeSettings
from tests.support.generated_runs import judge, perovskite

needs_smact = pytest.mark.skipif(importlib.util.find_spec("smact") is None, reason="SMACT is not installed")
ROCKSALT = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def crystal(lattice: Any, frac: Any, numbers: list[int], name: str = "x") -> Crystal:
    return Crystal(
        name, "", np.asarray(lattice, float), np.asarray(frac, float), np.array(numbers, np.uint8), {}
    )


def rocksalt(a: float = 5.64, numbers: tuple[int, int] = (11, 17)) -> Crystal:
    sites = np.vstack([ROCKSALT, (ROCKSALT + 0.5) % 1])
    return crystal(np.eye(3) * a, sites, [numbers[0]] * 4 + [numbers[1]] * 4)


TETRAGONAL = crystal(
    np.diag([3.9, 3.9, 4.15]),
    [[0, 0, 0], [0.5, 0.5, 0.54], [0.5, 0.5, 0.11], [0.5, 0, 0.62], [0, 0.5, 0.62]],
    [82, 22, 8, 8, 8],
)
"""Lead titanate, about as it is."""

MATMINER_STRUCTURE = {
    0: 0.105241, 1: 0.105241, 2: 0.252669, 3: 0.0, 4: 1.4e-05, 5: 0.002092,
    6: 0.148551, 7: 0.187757, 12: 0.291263, 13: 0.130278, 14: 0.111136, 15: 0.124422,
    16: 0.155616, 17: 0.143286, 18: 0.067223, 19: 0.006861, 20: 0.048821, 21: 0.0432,
    22: 0.159607, 23: 0.03307, 24: 0.112564, 25: 0.079326, 29: 0.123743, 30: -0.014033,
    31: 0.03426, 44: 0.000255, 45: 0.000112, 46: 2.3e-05, 47: 7.7e-05, 48: 2.8e-05,
}  # fmt: skip
"""What matminer 0.10.1 makes of it, ``CrystalNNFingerprint.from_preset("ops")``, mean of the sites; the rest is 0."""

MATMINER_MEANS = [
    25.6, 77.0, 60.61304, 541.202, 13.2, 3.2, 100.8, 2.838,
    2.0, 2.8, 2.4, 2.8, 10.0, 0.0, 2.0, 1.6,
    0.0, 3.6, 14.423, 0.0, 5e-06, 91.0,
]  # fmt: skip
"""The means among what it makes of the composition by ``ElementProperty.from_preset("magpie")``."""


# ------------------------------------------------------------------------------------------------------ coverage


def test_coverage_by_hand() -> None:
    """Three that were made, the last without a fingerprint, and two of a reference, on a line each."""
    made = Fingerprints(np.array([[0.0], [1.0], [math.nan]]), np.array([[0.0], [9.0], [math.nan]]))
    reference = Fingerprints(np.array([[0.1], [5.0]]), np.array([[7.0], [3.0]]))
    of_made, of_reference = nearest(made, reference)
    np.testing.assert_allclose(of_made.structure, [0.1, 0.9, math.inf])
    np.testing.assert_allclose(of_made.composition, [3, 2, math.inf])  # the first: of the other crystal
    np.testing.assert_allclose(of_reference.structure, [0.1, 4.0])
    np.testing.assert_allclose(of_reference.composition, [2, 3])
    assert of_made.covered(0.2, 4).tolist() == [True, False, False]
    assert of_made.covered(0.9, 4).tolist() == [True, True, False]
    assert of_made.covered(0.9, 1).tolist() == [False, False, False]
    assert of_reference.covered(0.2, 4).tolist() == [True, False]


def test_a_set_covers_itself_and_nothing_that_is_far_away() -> None:
    rng = np.random.default_rng(0)
    one = Fingerprints(rng.normal(size=(50, 61)), rng.normal(size=(50, 132)))
    for near in nearest(one, one):
        assert near.covered(1e-9, 1e-9).all()
    for near in nearest(one, Fingerprints(one.structure + 100, one.composition + 100)):
        assert not near.covered(0.2, 4).any()


def test_distances_are_those_of_the_whole_matrix() -> None:
    rng = np.random.default_rng(1)
    made, reference = rng.normal(size=(2 * coverage.CHUNK + 7, 3)), rng.normal(size=(20, 3))
    whole = cdist(made, reference)
    of_made, of_reference = nearest(Fingerprints(made, made), Fingerprints(reference, reference))
    np.testing.assert_array_equal(of_made.structure, whole.min(axis=1))
    np.testing.assert_array_equal(of_reference.composition, whole.min(axis=0))


def test_nothing_that_was_made_has_a_fingerprint() -> None:
    made = Fingerprints(np.full((2, 61), math.nan), np.full((2, 132), math.nan))
    of_made, of_reference = nearest(made, Fingerprints(np.zeros((3, 61)), np.zeros((3, 132))))
    assert not of_made.covered(1e9, 1e9).any()
    assert not of_reference.covered(1e9, 1e9).any()


# ----------------------------------------------------------------------------------------------------- structures


def test_validity_of_a_structure() -> None:
    assert structure_valid(rocksalt())
    near = [[0, 0, 0], [0.1, 0, 0]]
    assert structure_valid(crystal(np.eye(3) * 5.01, near, [11, 17]))  # 0.501 Å apart
    assert not structure_valid(crystal(np.eye(3) * 4.99, near, [11, 17]))
    assert not structure_valid(
        crystal(np.eye(3) * 4, [[0.01, 0, 0], [0.95, 0, 0]], [11, 17])
    )  # by the cell's face
    assert structure_valid(
        crystal(np.eye(3) * 0.47, [[0, 0, 0]], [11])
    )  # one atom: its own images do not count
    assert not structure_valid(crystal(np.eye(3) * 0.46, [[0, 0, 0]], [11]))  # 0.097 Å^3


def test_fingerprint_of_rocksalt_is_an_octahedron() -> None:
    """Six neighbours of the other kind around each site, with certainty, as the corners of an octahedron."""
    found = structure_fingerprint(rocksalt())
    assert found.shape == (61,)
    of_six = 2 + 6 + 4 + 6 + 4  # what one to five neighbours have: a weight and their order parameters each
    assert found[of_six] == 1
    assert found[of_six + 2] == pytest.approx(1, abs=1e-6)
    assert not found[:of_six].any()
    assert not found[of_six + 4 :].any()


def test_fingerprint_of_a_structure_is_matminers() -> None:
    expected = np.zeros(61)
    expected[list(MATMINER_STRUCTURE)] = list(MATMINER_STRUCTURE.values())
    np.testing.assert_allclose(structure_fingerprint(TETRAGONAL), expected, atol=1e-6)


def test_fingerprints_do_not_depend_on_the_cell() -> None:
    one = crystal(*perovskite(38, 22, 8, 3.905)[:2], [38, 22, 8, 8, 8])
    other = crystal(one.lattice, (one.frac[::-1] + 0.3) % 1, one.numbers[::-1].tolist())
    twice = crystal(
        one.lattice * [[1], [1], [2]],
        np.vstack([one.frac * [1, 1, 0.5] + [0, 0, half] for half in (0, 0.5)]),
        one.numbers.tolist() * 2,
    )
    for again in (other, twice):
        np.testing.assert_allclose(structure_fingerprint(again), structure_fingerprint(one), atol=1e-3)
    assert np.linalg.norm(structure_fingerprint(rocksalt()) - structure_fingerprint(one)) > 0.2


# --------------------------------------------------------------------------------------------------- compositions


@needs_smact
@pytest.mark.parametrize(
    ("numbers", "valid"),
    [
        ([11, 17], True),
        ([38, 22, 8, 8, 8], True),
        ([55, 82, 53, 53, 53], True),
        ([11, 17, 17], False),  # no charges add up to 0
        ([13, 13, 28], True),  # metals alone
        ([14, 14], True),  # an element
        ([11, 9, 9], False),
        ([42, 52, 52], False),  # balanced by Mo(IV) and Te(-II) alone, and Mo is the more electronegative
    ],
)
def test_validity_of_a_composition(numbers: list[int], valid: bool) -> None:
    assert composition_valid(np.array(numbers, np.uint8)) is valid


@needs_smact
def test_fingerprint_of_a_composition_by_hand() -> None:
    """Of SrTiO3 and NaCl by atomic numbers: 38, 22, 3 × 8; and 11, 17 as often, of which the mode is the lower."""
    names, scale = _scaler()
    assert names[0] == "Number"
    assert STATISTICS == ("minimum", "maximum", "range", "mean", "avg_dev", "mode")
    assert scale.shape == (22, 6)
    found = composition_fingerprint(np.array([8, 38, 8, 22, 8], np.uint8))
    assert found.shape == (132,)
    np.testing.assert_allclose(found[:6] * scale[0], [8, 38, 30, 16.8, (21.2 + 5.2 + 3 * 8.8) / 5, 8])
    np.testing.assert_allclose(
        composition_fingerprint(np.array([17, 11], np.uint8))[:6] * scale[0], [11, 17, 6, 14, 3, 11]
    )


@needs_smact
def test_fingerprint_of_a_composition_is_matminers() -> None:
    _, scale = _scaler()
    means = composition_fingerprint(TETRAGONAL.numbers).reshape(22, 6)[:, 3] * scale[:, 3]
    np.testing.assert_allclose(means, MATMINER_MEANS, atol=1e-6)


@needs_smact
def test_an_element_that_magpie_does_not_know_is_said() -> None:
    with pytest.raises(KeyError, match="Magpie has no data of Es"):
        composition_fingerprint(np.array([99], np.uint8))


# ---------------------------------------------------------------------------------------------------------- judge


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    """One for all of this module."""
    with cluster(2):
        yield


@pytest.fixture
def held_out(generated: Path, tmp_path: Path) -> Path:
    """The crystals of the candidates, in other names."""
    folder = tmp_path / "held_out"
    folder.mkdir()
    for path in (generated / "cifs").iterdir():
        (folder / f"known-{path.name}").write_bytes(path.read_bytes())
    return folder


def compared(
    generated: Path, out: Path, reference: Path, **changes: Any
) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, str]]]:
    """The summary, and the rows of the table by set and id."""
    judge(generated, out, reference=reference, **changes)
    with (out / benchmark.TABLE).open(newline="") as handle:
        rows = {(row["set"], row["id"]): row for row in csv.DictReader(handle)}
    return json.loads((out / "summary.json").read_text())["benchmark"], rows


@needs_smact
@pytest.mark.usefixtures("ray")
def test_candidates_that_are_the_reference_cover_it(generated: Path, held_out: Path, tmp_path: Path) -> None:
    """Ten were drawn, one of which was not placed and counts in every share."""
    summary, rows = compared(generated, tmp_path / "out", held_out, actors=1)
    assert len(rows) == 10 + 9
    assert summary["candidates"] == 10
    assert summary["cov_recall"] == 1
    assert summary["cov_precision"] == pytest.approx(9 / 10, abs=1e-6)
    assert summary["structure_valid"] == pytest.approx(9 / 10, abs=1e-6)
    assert summary["amsd_recall"] == summary["amcd_precision"] == 0
    assert summary["candidates_without_fingerprint"] == 1
    assert summary["reference_validity"]["structure_valid"] == 1
    lost = rows["candidate", "0-blob"]
    assert (lost["covered"], lost["structure_distance"], lost["message"]) == ("False", "", "no crystal")
    # the same to the byte by two processes and from what is on disk already; a part that is whole is not made again
    table = (tmp_path / "out" / benchmark.TABLE).read_bytes()
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/parts").iterdir()}
    assert compared(generated, tmp_path / "two", held_out, actors=2)[0] == summary
    assert (tmp_path / "two" / benchmark.TABLE).read_bytes() == table
    compared(generated, tmp_path / "out", held_out, actors=1)
    assert (tmp_path / "out" / benchmark.TABLE).read_bytes() == table
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out/parts").iterdir()} == parts


@needs_smact
@pytest.mark.usefixtures("ray")
def test_a_reference_that_is_far_away_is_not_covered(generated: Path, tmp_path: Path) -> None:
    """Diamond; einsteinium, of which little is known; and what is no crystal, which is a reject."""
    folder = tmp_path / "held_out"
    folder.mkdir()
    fcc = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) * 1.785
    for name, one in {
        "diamond": crystal(fcc, [[0, 0, 0], [0.25, 0.25, 0.25]], [6, 6]),
        "einsteinium": crystal(np.eye(3) * 4, [[0, 0, 0]], [99]),
    }.items():
        (folder / f"{name}.cif").write_text(cif_text(one))
    (folder / "torn.cif").write_text("data_torn\n_cell_length_a 4\n")
    settings = {"generated": generated, "out": tmp_path / "out", "reference": folder, "actors": 1}
    outcome = judging.run(config.validate(JudgeSettings, settings, "test"))
    assert outcome.exit_status == 4
    assert "COV-R 0.00%, COV-P 0.00% of 2" in outcome.summary
    summary, rows = compared(generated, tmp_path / "out", folder, actors=1)
    assert (summary["cov_recall"], summary["cov_precision"]) == (0, 0)
    assert (summary["reference_crystals"], summary["reference_rejects"]) == (2, 1)
    assert summary["reference_without_fingerprint"] == 1
    assert rows["reference", "einsteinium"]["message"]
    assert rows["reference", "einsteinium"]["covered"] == "False"
    assert float(rows["reference", "diamond"]["structure_distance"]) > 0.2
    # wide cutoffs cover all that has a fingerprint, and nothing else
    wide, _ = compared(
        generated, tmp_path / "out", folder, actors=1, structure_cutoff=100, composition_cutoff=100
    )
    assert wide["cov_recall"] == 0.5
    assert wide["cov_precision"] == pytest.approx(9 / 10, abs=1e-6)
    with (tmp_path / "out/rejects.csv").open(newline="") as handle:
        assert [row["id"] for row in csv.DictReader(handle)] == ["torn"]
    judge(generated, tmp_path / "out")
    assert not (tmp_path / "out/rejects.csv").exists()
    assert not (tmp_path / "out" / benchmark.TABLE).exists()


@needs_smact
def test_a_reference_without_crystals_is_refused(generated: Path, tmp_path: Path) -> None:
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn/torn.cif").write_text("data_torn\n")
    with pytest.raises(ConfigError, match="has no crystal that can be used"):
        judge(generated, tmp_path / "out", reference=tmp_path / "torn")


def test_without_smact_it_says_how_to_get_it(
    generated: Path, held_out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "smact" else find(name, *a)
    )
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpcvox\[metrics\]'"):
        judge(generated, tmp_path / "out", reference=held_out)
    judge(generated, tmp_path / "out")  # takes it for nothing else
