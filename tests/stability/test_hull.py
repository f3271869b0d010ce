"""Hulls that can be laid by hand, and what holds for every one."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcvox.errors import ConfigError
from hpcvox.stability.hull import Hull
from hpcvox.stability.phases import Phase
from hpcvox.stability.references import Line, phase

SR_TI_O = {"Sr": -1.0, "Ti": -2.0, "O2": -3.0, "SrO": -4.0, "TiO2": -4.5}
"""eV/atom; both oxides are far below their elements."""

FORMULAS = ("Sr", "Ti", "O2", "SrO", "TiO2", "Ti2O3", "SrTiO3", "Sr2TiO4", "SrTi", "SrO2")


def phases(energies: dict[str, float]) -> list[Phase]:
    return [phase(Line("test", formula, energy, f"id-{formula}")) for formula, energy in energies.items()]


def above(hull: Hull, formula: str, energy: float) -> float:
    return float(hull.above([formula], np.array([energy]))[0])


def test_energies_above_the_hull_are_those_by_hand() -> None:
    hull = Hull(phases(SR_TI_O))
    # SrTiO3 = SrO + TiO2: two of the five atoms at -4.0, three at -4.5
    formulas = ["SrTiO3", "Sr2Ti2O6", "SrO", "O8", "Sr2TiO4", "SrO3"]
    at_hull = np.array([-4.3, -4.3, -4.0, -3.0, (4 * -4.0 + 3 * -4.5) / 7, (2 * -4.0 + 2 * -3.0) / 4])
    found = hull.above(formulas, at_hull + np.array([-0.1, 0.2, 0.0, 0.1, 0.3, 0.05]))
    assert found == pytest.approx([-0.1, 0.2, 0.0, 0.1, 0.3, 0.05], abs=1e-9)
    place = hull.place({"Sr": 1, "Ti": 1, "O": 3})
    assert place is not None
    assert [(round(share, 6), one.formula, one.id) for share, one in place.phases] == [
        (0.6, "TiO2", "id-TiO2"),
        (0.4, "SrO", "id-SrO"),
    ]


def test_what_has_no_reference_has_no_place() -> None:
    hull = Hull(phases(SR_TI_O))
    assert hull.elements == {"Sr", "Ti", "O"}
    assert np.isnan(hull.above(["PuO2", "SrO"], np.array([-9.0, math.nan]))).all()
    assert hull.unknown({"Pu": 1, "O": 2}) == ["Pu"]
    many = Hull(phases(dict.fromkeys(("H", "Li", "Na", "K", "Rb", "Cs", "F", "Cl", "Br"), 0.0)))
    assert math.isnan(above(many, "HLiNaKRbCsFClBr", -1.0))
    with pytest.raises(ValueError, match="2 formulas and 1 energies"):
        hull.above(["Sr", "O"], np.zeros(1))


def test_a_correction_moves_phases_and_crystals_alike() -> None:
    """Each oxygen is 1 eV lower: what is on a line of one content of oxygen stays where it is."""
    lower = Hull(phases(SR_TI_O), lambda amounts: -amounts.get("O", 0) / sum(amounts.values()))
    assert above(lower, "SrTiO3", -4.3) == pytest.approx(0.0, abs=1e-9)
    assert above(lower, "Sr2O2", -3.9) == pytest.approx(0.1, abs=1e-9)


energies = st.floats(-3, 0, allow_nan=False).map(lambda value: round(value, 3))
tables = st.fixed_dictionaries(
    dict.fromkeys(FORMULAS[:3], energies), optional=dict.fromkeys(FORMULAS[3:], energies)
)


@settings(max_examples=25, deadline=None)
@given(tables)
def test_no_reference_is_below_its_own_hull_and_those_that_make_it_are_on_it(table: dict[str, float]) -> None:
    hull = Hull(phases(table))
    found = hull.above(list(table), np.array(list(table.values())))
    assert (found >= -1e-9).all()
    corners = [float(found[i]) for i, one in enumerate(table) if one in FORMULAS[:3]]
    assert corners == pytest.approx([0.0] * 3, abs=1e-9)
    place = hull.place({"Sr": 1, "Ti": 1, "O": 3})
    assert place is not None
    assert sum(share for share, _ in place.phases) == pytest.approx(1.0)
    for _, one in place.phases:
        assert above(hull, one.formula, one.energy) == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(tables, st.sampled_from(FORMULAS), energies)
def test_one_more_reference_never_lowers_an_energy_above_the_hull(
    table: dict[str, float], formula: str, energy: float
) -> None:
    before = Hull(phases(table))
    after = Hull([*phases(table), *phases({formula: energy})])
    crystals, given_ = list(FORMULAS), np.linspace(-3, 0, len(FORMULAS))
    assert (after.above(crystals, given_) >= before.above(crystals, given_) - 1e-9).all()


def test_a_table_is_read_by_the_potential_and_what_is_wrong_with_it_is_said(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("id,formula,energy,chgnet_energy\na,Sr,9,-1.0\nb,O2,9,-3.0\nc,SrO,9,-4.0\nd,SrO,9,\n")
    assert above(Hull.of("chgnet", table), "SrO", -3.5) == pytest.approx(0.5)
    assert above(Hull.of("emt", table), "SrO", 9.5) == pytest.approx(0.5), "the column energy is anyone's"
    for text, said in (
        ("formula\nSr\n", "no column 'energy'"),
        ("formula,energy\nSr,low\n", "row 2: 'low' in the column energy is no number"),
        ("formula,energy\nXx2,1\n", "row 2: 'Xx2' is no formula"),
        ("formula,energy\n", "no phase with a number in 'energy'"),
    ):
        table.write_text(text)
        with pytest.raises(ConfigError, match=said):
            Hull.of("chgnet", table)
    with pytest.raises(ConfigError, match=r"no energies by emt \(it has chgnet"):
        Hull.of("emt")
