"""What real crystals are and what passes for valid without being one: each limit, and what is said of it."""

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.elements import ATOMIC_NUMBERS, ATOMIC_VOLUMES_A3
from hpcvox.crystals.record import Crystal
from hpcvox.database.prototypes.compounds import FACE_CENTRING
from hpcvox.generation.judging.plausible import (
    LEAST_PLAUSIBLE_A,
    REASONS,
    balanced_by_mixed_states,
    counted,
    plausibility,
    told_plausible,
)
from hpcvox.generation.judging.summary import Plausible
from hpcvox.generation.judging.validity import validity
from hpcvox.generation.settings import Reason
from tests.support.generated_runs import CSCL, CUBE

FACES = np.array(FACE_CENTRING)


def crystal(lattice: Any, frac: Any, symbols: str) -> Crystal:
    numbers = np.array([ATOMIC_NUMBERS[symbol] for symbol in symbols.split()], np.uint8)
    return Crystal("x", "", np.asarray(lattice, float), np.asarray(frac, float) % 1, numbers, {})


def cubic(length: float, frac: NDArray[np.float64], symbols: str) -> Crystal:
    return crystal(np.eye(3) * length, frac, symbols)


def faces(length: float, *sites: tuple[str, float]) -> Crystal:
    """A face-centred cubic crystal: its elements, each at so much of the cube's diagonal."""
    frac = np.vstack([FACES + shift for _, shift in sites])
    return cubic(length, frac, " ".join(f"{symbol} " * 4 for symbol, _ in sites))


def hexagonal(a: float, c: float, frac: Any, symbols: str) -> Crystal:
    return crystal(lattice_from_parameters(a, a, c, 90, 90, 120), frac, symbols)


BRUCITE = [
    [0, 0, 0],
    [1 / 3, 2 / 3, 0.22],
    [2 / 3, 1 / 3, 0.78],
    [1 / 3, 2 / 3, 0.425],
    [2 / 3, 1 / 3, 0.575],
]

REAL = {
    "NaCl": faces(5.640, ("Na", 0), ("Cl", 0.5)),
    "LiH": faces(4.083, ("Li", 0), ("H", 0.5)),
    "CsI": cubic(4.568, CSCL, "Cs I"),
    "BN": faces(3.615, ("B", 0), ("N", 0.25)),
    "CuCl": faces(5.416, ("Cu", 0), ("Cl", 0.25)),
    "UC": faces(4.960, ("U", 0), ("C", 0.5)),
    "OsIr": cubic(3.06, CSCL, "Os Ir"),
    "CaF2": faces(5.463, ("Ca", 0), ("F", 0.25), ("F", 0.75)),
    "Cu2MnAl": faces(5.949, ("Cu", 0.25), ("Cu", 0.75), ("Mn", 0.5), ("Al", 0)),
    "SrTiO3": cubic(3.905, CUBE, "Sr Ti O O O"),
    "CsPbBr3": cubic(5.87, CUBE, "Cs Pb Br Br Br"),
    "brucite": hexagonal(3.147, 4.769, BRUCITE, "Mg O O H H"),
}


@pytest.mark.parametrize("name", REAL)
def test_real_crystals_are_plausible(name: str) -> None:
    found = plausibility(REAL[name])
    assert found.faults == {}
    assert found.volume is not None
    assert 0.6 < found.volume < 1.5


@pytest.mark.parametrize(
    ("made", "code", "said"),
    [
        (cubic(1.8, np.zeros((1, 3)), "O"), "element", "there is O alone"),
        (faces(4.046, ("Al", 0)), "element", "there is Al alone"),
        (
            cubic(3.905, np.array([*CUBE[:4], [0.5, 0.15, 0.5]]), "Sr Ti O O O"),
            "too-near",
            "O and O are 0.586 Å apart, and in real crystals 0.858 Å at least",
        ),
        (
            cubic(1.5, CSCL, "Na O"),
            "too-near",
            "Na and Na are 1.500 Å apart, and in real crystals 2.158 Å at least",
        ),
        (cubic(2.95, CSCL, "Os Ir"), "too-dense", "it has 24.7 g/cm³, and no known crystal has more than"),
        (
            faces(4.3, ("Na", 0), ("Cl", 0.5)),
            "too-dense",
            "the cell has 0.391 times the volume that its atoms usually take up, and real crystals have 0.6 to 2.5",
        ),
        (faces(8.5, ("Na", 0), ("Cl", 0.5)), "too-empty", "the cell has 3.02 times the volume"),
        (
            cubic(4.0, CUBE, "Na Na F F F"),
            "charges",
            "no known oxidation states of its elements add up to 0 in Na2F3",
        ),
    ],
)
def test_what_is_valid_and_not_plausible(made: Crystal, code: Reason, said: str) -> None:
    assert validity(made.lattice, made.frac, made.numbers).code == ""
    assert said in plausibility(made).faults[code]


def test_a_crystal_keeps_all_of_its_faults() -> None:
    made = cubic(0.9, np.zeros((1, 3)), "Pu")
    assert list(plausibility(made).faults) == ["element", "too-near", "too-dense"]


def test_an_element_whose_volume_is_not_known_is_judged_by_its_density() -> None:
    usual = plausibility(cubic(3.0, CSCL, "Ra O"))
    assert (usual.faults, usual.volume) == ({}, None)
    assert usual.density == pytest.approx(14.9, abs=0.1)
    dense = plausibility(cubic(2.5, CSCL, "Ra O"))
    assert dense.faults["too-dense"].startswith("it has 25.7 g/cm³")


@pytest.mark.parametrize(
    ("symbols", "balanced"),
    [
        ("Na Cl", True),
        ("Sr Ti O O O", True),
        ("Fe Fe Fe O O O O", True),  # iron of two states
        ("Fe Fe Fe Fe Fe Fe O O O O O O O O", True),
        ("Co Co Mn Si", True),  # an alloy, of a metalloid too
        ("Na Na Mg", True),
        ("O O", True),  # an element by itself
        ("Na Na Na O", False),
        ("Te O O O O O", False),
        ("O F F F F", False),
        ("He O", False),  # which has no state
    ],
)
def test_charges_balance_where_known_states_do(symbols: str, balanced: bool) -> None:
    assert (
        balanced_by_mixed_states(np.array([ATOMIC_NUMBERS[s] for s in symbols.split()], np.uint8)) is balanced
    )


names = st.sampled_from(sorted(REAL))
shifts = st.tuples(*[st.floats(0, 1, exclude_max=True)] * 3)
SHEARS = st.sampled_from([np.eye(3), [[1, 1, 0], [0, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 0], [2, -1, 1]]])


@given(names, shifts, st.randoms(use_true_random=False), SHEARS, st.floats(0.4, 1.6))
def test_origin_order_and_setting_change_nothing(
    name: str, shift: tuple[float, ...], order: Any, shear: Any, scale: float
) -> None:
    real = REAL[name]
    sites = list(range(real.n_sites))
    order.shuffle(sites)
    change = np.asarray(shear, float)
    frac = ((real.frac + shift) @ np.linalg.inv(change))[sites] % 1
    first, second = (
        plausibility(Crystal("x", "", scale * lattice, frac, numbers, {}))
        for lattice, frac, numbers in (
            (real.lattice, real.frac, real.numbers),
            (change @ real.lattice, frac, real.numbers[sites]),
        )
    )
    assert first.density == pytest.approx(second.density)
    assert first.volume == pytest.approx(second.volume)
    assert list(first.faults) == list(second.faults)


@given(names, st.floats(0.3, 3))
def test_a_crystal_is_plausible_in_one_range_of_sizes(name: str, scale: float) -> None:
    real = REAL[name]
    found = plausibility(Crystal("x", "", scale * real.lattice, real.frac, real.numbers, {}))
    volume = plausibility(real).volume
    assert volume is not None
    assert found.volume is not None
    assert found.volume == pytest.approx(volume * scale**3)
    assert ("too-empty" in found.faults) == (found.volume > 2.5)
    if found.volume < 0.6:
        assert "too-dense" in found.faults
    if scale < 1:
        assert "too-empty" not in found.faults


@given(st.integers(1, 118), st.integers(1, 118))
def test_least_distances_are_those_of_a_pair_whichever_comes_first(first: int, second: int) -> None:
    assert LEAST_PLAUSIBLE_A[first, second] == LEAST_PLAUSIBLE_A[second, first] >= 0.37


def test_volumes_are_of_all_elements_but_those_without_compounds() -> None:
    assert len(ATOMIC_VOLUMES_A3) == 119
    without = {"Ne", "Ar", "Po", "At", "Rn", "Fr", "Ra", "Am", "Cm"}
    known = {symbol for symbol, z in ATOMIC_NUMBERS.items() if ATOMIC_VOLUMES_A3[z]}
    assert {symbol for symbol, z in ATOMIC_NUMBERS.items() if z <= 96} - known == without
    assert min(ATOMIC_VOLUMES_A3[z] for symbol, z in ATOMIC_NUMBERS.items() if symbol in known) > 6


def test_every_reason_has_its_words() -> None:
    assert get_args(Reason) == tuple(REASONS)


def test_how_many_are_plausible_is_said_in_words() -> None:
    losses = [("", "")] * 3 + [("duplicate", "")] + [("not-plausible", "element")] * 5
    losses += [("not-plausible", "too-dense"), ("not-placed", "no-cell"), ("not-placed", "empty")]
    counts = counted([{"lost": lost, "code": code} for lost, code in losses])
    why_not = {"element": 5, "not-placed": 2, "too-dense": 1}
    assert counts == Plausible(drawn=12, plausible=4, why_not=why_not)
    assert told_plausible(counts) == (
        "of 12 candidates 4 are plausible (the others: 5 an element by itself, 2 not placed, 1 too dense)"
    )
    assert told_plausible(counted([{"lost": "", "code": ""}])) == "of 1 candidate 1 is plausible"
    assert told_plausible(counted([{"lost": "not-valid", "code": ""}])) == (
        "of 1 candidate none is plausible (the others: 1 not valid)"
    )
