"""Which known crystal another one is the same as."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher

from hpcvox.crystals.known import Known, structure
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source

CUBE = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
PEROVSKITE = Crystal("a", "", 4.0 * np.eye(3), CUBE, np.array([38, 22, 8, 8, 8], np.uint8), {})


def by_pymatgen(one: Crystal, known: list[Crystal]) -> tuple[str, float] | None:
    """The nearest match, by the public way of the matcher and without anything kept."""
    best = None
    for other in known:
        found = StructureMatcher().get_rms_dist(structure(one), structure(other))  # type: ignore[no-untyped-call]
        if other.formula == one.formula and found is not None and (best is None or found[0] < best[1]):
            best = other.id, float(found[0])
    return best


def ours(one: Crystal, known: Known) -> tuple[str, float] | None:
    match = known.match(one)
    return None if match is None else (match.id, match.rms)


def shaken(crystal: Crystal, name: str, seed: int, far: float) -> Crystal:
    """The crystal with its sites moved by about ``far`` of its cell, in a cell of another size and shape."""
    rng = np.random.default_rng(seed)
    lattice = crystal.lattice @ (np.eye(3) + rng.normal(0, far, (3, 3))) * rng.uniform(0.8, 1.2)
    order = rng.permutation(crystal.n_sites)
    frac = (crystal.frac + rng.normal(0, far, crystal.frac.shape) + rng.uniform(size=3)) % 1
    return replace(crystal, id=name, lattice=lattice, frac=frac[order], numbers=crystal.numbers[order])


def doubled(crystal: Crystal) -> Crystal:
    """The same crystal in a cell of twice the length along c."""
    frac = np.concatenate([crystal.frac, crystal.frac + np.array([0, 0, 1])]) * [1, 1, 0.5]
    lattice = crystal.lattice * [[1], [1], [2]]
    return replace(crystal, id="double", lattice=lattice, frac=frac, numbers=np.tile(crystal.numbers, 2))


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.02, 0.08]))
def test_the_answer_is_that_of_pymatgens_matcher_to_the_bit(seed: int, far: float) -> None:
    exchanged = replace(PEROVSKITE, id="exchanged", numbers=np.array([22, 38, 8, 8, 8], np.uint8))
    given = [shaken(PEROVSKITE, "near", seed + 1, 0.03), exchanged, doubled(PEROVSKITE)]
    known = Known(given)
    one = shaken(PEROVSKITE, "one", seed, far)
    for _ in range(2):  # the second time with cells that are reduced already
        assert ours(one, known) == by_pymatgen(one, given)


def test_of_real_crystals_too(shared_data: Path) -> None:
    source = open_source(shared_data / "mp_inorganic_36737.csv.xz", targets=[])
    crystals = []
    for entry in source:
        crystals += [one for one in parse(entry) if isinstance(one, Crystal) and one.n_sites < 12]
        if len(crystals) > 300:
            break
    formulas = {one.formula for one in crystals}
    several = [f for f in sorted(formulas) if sum(one.formula == f for one in crystals) > 1]
    chosen = [one for one in crystals if one.formula in several[:5]]
    assert len(chosen) > 8
    known = Known(chosen)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, one in enumerate(chosen):
            moved = shaken(one, "moved", number, 0.02)
            assert ours(moved, known) == by_pymatgen(moved, chosen)


def test_only_crystals_of_the_same_formula_are_looked_at() -> None:
    known = Known([PEROVSKITE])
    other = replace(PEROVSKITE, numbers=np.array([56, 22, 8, 8, 8], np.uint8))
    assert known.match(other) is None
    assert known.has("SrTiO3")
    assert not known.has("BaTiO3")
    assert known.of_formula("SrTiO3") == [PEROVSKITE]
    found = known.match(PEROVSKITE)
    assert found is not None
    assert found.id == "a"
    assert found.rms == pytest.approx(0, abs=1e-9)
