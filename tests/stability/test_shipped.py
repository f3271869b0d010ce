"""The table that comes with hpcvox: what it has, and what it says of crystals that everybody knows."""

import csv
import json

import numpy as np
import pytest

from hpcvox import config
from hpcvox.calculators import chgnet
from hpcvox.crystals.record import Crystal
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.stability.hull import Hull
from hpcvox.stability.references import SHIPPED, calculators, made_by
from tests.support.paths import ROOT

SITES = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])


def rows() -> list[dict[str, str]]:
    with SHIPPED.open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_is_small_and_has_the_elements_of_the_shipped_perovskites() -> None:
    assert SHIPPED.stat().st_size < 1_000_000
    demo = config.load(PipelineSettings, ROOT / "configs" / "demo.yaml")
    assert demo.database is not None
    for calculator in calculators(SHIPPED):
        hull = Hull.of(calculator)
        assert hull.elements == set(demo.database.elements or ())
        assert hull.phases > 5_000
    assert json.loads(SHIPPED.with_suffix(".json").read_text()).keys() == set(calculators(SHIPPED))


def test_each_phase_is_on_its_own_hull() -> None:
    chosen = rows()[::40]
    energies = np.array([float(row["chgnet_energy"]) for row in chosen])
    above = Hull.of("chgnet").above([row["formula"] for row in chosen], energies)
    assert above == pytest.approx(np.zeros(len(chosen)), abs=2e-5)


@pytest.mark.parametrize("formula", ["SrTiO3", "BaTiO3", "CaTiO3", "KNbO3", "LaAlO3", "KMgF3", "BaZrO3"])
def test_known_perovskites_are_on_it(formula: str) -> None:
    assert formula in {row["formula"] for row in rows()}


@pytest.mark.skipif(not chgnet.installed(), reason="CHGNet is not installed")
def test_a_known_crystal_is_near_the_hull_and_a_crushed_one_far_above() -> None:
    assert made_by("chgnet") == chgnet.name(), "energies of another version are to be computed anew"
    crystal = Crystal("a", "test", 3.945 * np.eye(3), SITES, np.array([38, 22, 8, 8, 8], dtype=np.uint8), {})
    energies = chgnet.Potential().energies([crystal, crystal], np.array([1.0, 0.8]))
    near, crushed = Hull.of("chgnet").above(["SrTiO3"] * 2, energies)
    assert 0 <= near < 0.02, "the ground state is tilted a little"
    assert crushed > 1


def test_an_element_that_it_does_not_have_has_no_place() -> None:
    assert np.isnan(Hull.of("chgnet").above(["Pu2O3"], np.array([-20.0]))).all()
