"""Judgement of placed crystals, and their CIFs read back by an independent reader."""

import itertools

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pymatgen.core import Lattice, Structure

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.generation.judging.validity import charge_balanced, min_distance, validity
from tests.support.oblique_cells import any_cell, changes_of_vectors, other_setting

CUBIC = np.diag([4.0, 4.0, 4.0])


def test_atoms_that_meet_across_a_face_are_too_close() -> None:
    verdict = validity(CUBIC, np.array([[0.01, 0.5, 0.5], [0.95, 0.5, 0.5]]), np.array([11, 17], np.uint8))
    assert verdict.code == "too-close"
    assert verdict.min_distance == pytest.approx(0.24)


def test_an_atom_alone_is_as_far_from_itself_as_its_cell_is_long() -> None:
    verdict = validity(np.diag([2.5, 3.0, 4.0]), np.array([[0.2, 0.3, 0.4]]), np.array([84], np.uint8))
    assert verdict.code == ""
    assert verdict.min_distance == pytest.approx(2.5)


@pytest.mark.parametrize("length", [0.5, 80.0, np.nan])
def test_a_cell_that_is_none_is_not_valid(length: float) -> None:
    verdict = validity(np.diag([length, 4.0, 4.0]), np.array([[0.0, 0.0, 0.0]]), np.array([11], np.uint8))
    assert verdict.code == "no-cell"


@given(
    st.lists(st.tuples(*[st.floats(0, 1, exclude_max=True)] * 3), min_size=2, max_size=6),
    st.tuples(*[st.floats(2, 9)] * 3),
)
def test_distances_are_those_of_pymatgen(sites: list[tuple[float, ...]], lengths: tuple[float, ...]) -> None:
    a, b, c = lengths
    structure = Structure(Lattice.from_parameters(a, b, c, 90, 90, 90), ["H"] * len(sites), sites)
    matrix = structure.distance_matrix
    np.fill_diagonal(matrix, min(lengths))
    assert min_distance(np.diag(lengths), np.array(sites)) == pytest.approx(matrix.min(), abs=1e-9)


@pytest.mark.parametrize(
    ("numbers", "balanced"),
    [
        ([11, 17], True),  # NaCl
        ([38, 22, 8, 8, 8], True),  # SrTiO3
        ([11, 8], False),  # NaO
        ([11, 11, 12], False),  # Na2Mg: nothing to balance the metals
        ([29, 29], True),  # an element by itself
    ],
)
def test_charge_balance(numbers: list[int], balanced: bool) -> None:
    assert charge_balanced(np.array(numbers, np.uint8)) is balanced


def test_a_cif_is_read_back_as_the_crystal() -> None:
    lattice = np.diag([3.905, 4.1, 5.25])
    frac = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.123456, 0.25, 0.999999]])
    numbers = np.array([38, 22, 8], np.uint8)
    text = cif_text(Crystal("d3-000017", "", lattice, frac, numbers, {}))
    structure = gemmi.make_small_structure_from_block(gemmi.cif.read_string(text).sole_block())
    assert [site.element.atomic_number for site in structure.sites] == numbers.tolist()
    assert (structure.cell.a, structure.cell.b, structure.cell.c) == pytest.approx((3.905, 4.1, 5.25))
    read = np.array([[s.fract.x, s.fract.y, s.fract.z] for s in structure.sites])
    np.testing.assert_allclose(read, frac, atol=1e-6)
    assert Structure.from_str(text, fmt="cif").composition.reduced_formula == "SrTiO"


def test_a_cif_of_an_oblique_cell_keeps_its_angles() -> None:
    lattice = np.array([[4.0, 0.0, 0.0], [-2.0, 2.0 * np.sqrt(3), 0.0], [0.0, 0.0, 6.0]])
    text = cif_text(Crystal("x", "", lattice, np.array([[0.0, 0.0, 0.0]]), np.array([12], np.uint8), {}))
    assert "_cell_angle_gamma   120.00000000" in text
    assert "_cell_angle_alpha   90.00000000" in text


@given(
    lattice=any_cell(),
    sites=st.lists(st.tuples(*[st.floats(0, 1)] * 3), min_size=1, max_size=3),
    steps=changes_of_vectors,
)
def test_distances_are_those_of_a_search_through_many_images(
    lattice: NDArray[np.float64], sites: list[tuple[float, ...]], steps: list[tuple[int, int, int]]
) -> None:
    given = other_setting(
        Crystal("x", "", lattice, np.array(sites), np.ones(len(sites), np.uint8), {}), steps
    )
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    far = [int(np.ceil(lattice[0, 0] / height)) + 1 for height in heights]
    images = np.array(list(itertools.product(*[range(-m, m + 1) for m in far])))
    frac = np.array(sites)
    least = min(
        np.linalg.norm((x - y + images) @ lattice, axis=1)[
            (images != 0).any(axis=1) if i == j else slice(None)
        ].min()
        for (i, x), (j, y) in itertools.product(enumerate(frac), repeat=2)
    )
    assert min_distance(given.lattice, given.frac) == pytest.approx(least, abs=1e-6)
