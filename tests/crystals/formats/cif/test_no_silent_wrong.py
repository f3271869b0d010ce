"""No wrong crystal passes in silence: whatever is accepted agrees with a second reading of the file."""

import re
import tarfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import gemmi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from tests.support.second_reading import disagreements

pytestmark = pytest.mark.slow

Site = tuple[str, float, float, float]


class Known(NamedTuple):
    """A crystal by its space group and the sites of one asymmetric unit."""

    setting: str  # of gemmi: "F d -3 m:2"
    cell: tuple[float, float, float, float, float, float]
    sites: tuple[Site, ...]


KNOWN = (
    Known("F m -3 m", (5.64, 5.64, 5.64, 90, 90, 90), (("Na", 0, 0, 0), ("Cl", 0.5, 0.5, 0.5))),
    Known("F d -3 m:1", (5.431, 5.431, 5.431, 90, 90, 90), (("Si", 0, 0, 0),)),
    Known(
        "F d -3 m:2",
        (8.083, 8.083, 8.083, 90, 90, 90),
        (("Mg", 0.125, 0.125, 0.125), ("Al", 0.5, 0.5, 0.5), ("O", 0.2624, 0.2624, 0.2624)),
    ),
    Known(
        "P m -3 m",
        (3.905, 3.905, 3.905, 90, 90, 90),
        (("Sr", 0, 0, 0), ("Ti", 0.5, 0.5, 0.5), ("O", 0.5, 0.5, 0)),
    ),
    Known("P 42/m n m", (4.594, 4.594, 2.959, 90, 90, 90), (("Ti", 0, 0, 0), ("O", 0.3053, 0.3053, 0))),
    Known(
        "I 41/a m d:2", (3.785, 3.785, 9.514, 90, 90, 90), (("Ti", 0, 0.75, 0.125), ("O", 0, 0.75, 0.3331))
    ),
    Known(
        "P 63 m c", (3.25, 3.25, 5.207, 90, 90, 120), (("Zn", 1 / 3, 2 / 3, 0), ("O", 1 / 3, 2 / 3, 0.3819))
    ),
    Known("R -3 c:H", (4.759, 4.759, 12.991, 90, 90, 120), (("Al", 0, 0, 0.3522), ("O", 0.3064, 0, 0.25))),
    Known(
        "R 3 2:R",
        (4.0718, 4.0718, 4.0718, 90.459, 90.459, 90.459),
        (("S", 0.2521, 0.2521, 0.2521), ("Ni", 0.5, 0.2449, 0.7551)),
    ),
    Known(
        "P 1 21/c 1",
        (5.145, 5.208, 5.311, 90, 99.23, 90),
        (("Zr", 0.2758, 0.0411, 0.2082), ("O", 0.0703, 0.3359, 0.3406), ("O", 0.4423, 0.7549, 0.4789)),
    ),
    Known(
        "P n m a",
        (10.327, 6.008, 4.695, 90, 90, 90),
        (
            ("Fe", 0.2822, 0.25, 0.9747),
            ("Li", 0, 0, 0),
            ("P", 0.0948, 0.25, 0.4182),
            ("O", 0.0968, 0.25, 0.7428),
            ("O", 0.4571, 0.25, 0.2060),
            ("O", 0.1656, 0.0465, 0.2848),
        ),
    ),
    Known(
        "P -3 m 1",
        (3.142, 3.142, 4.766, 90, 90, 120),
        (("Mg", 0, 0, 0), ("O", 1 / 3, 2 / 3, 0.2203), ("H", 1 / 3, 2 / 3, 0.4303)),
    ),
    Known("C 1 2/m 1", (4.99, 4.99, 9.5, 90, 108, 90), (("K", 0.3, 0.0, 0.2), ("Br", 0.11, 0.5, 0.4))),
    Known("P -1", (6.1, 7.2, 8.3, 82, 95, 101), (("Ca", 0.1, 0.2, 0.3), ("S", 0.6, 0.3, 0.8))),
)


class Written(NamedTuple):
    """The parts of a CIF, each of which a fault may strike."""

    name: str
    cell: tuple[float, ...]
    symbol: str
    number: int
    operations: tuple[str, ...]
    formula: str
    units: int
    density: float
    sites: tuple[Site, ...]
    multiplicities: tuple[int, ...]


@cache
def written(known: Known) -> Written:
    """All that a good file says of the crystal, by gemmi's tables."""
    group = gemmi.SpaceGroup(known.setting)
    operations = list(group.operations())
    orbits = []
    for _, *place in known.sites:
        images = np.array([operation.apply_to_xyz(place) for operation in operations]) % 1.0
        distinct: list[np.ndarray] = []
        for image in images:
            apart = [np.abs((image - other + 0.5) % 1.0 - 0.5).max() for other in distinct]
            if not apart or min(apart) > 1e-3:
                distinct.append(image)
        orbits.append(len(distinct))
    counts: dict[str, int] = {}
    for (symbol, *_), count in zip(known.sites, orbits, strict=True):
        counts[symbol] = counts.get(symbol, 0) + count
    units = int(np.gcd.reduce(list(counts.values())))
    formula = " ".join(f"{symbol}{count // units}" for symbol, count in sorted(counts.items()))
    volume = gemmi.UnitCell(*known.cell).volume
    weight = sum(gemmi.Element(symbol).weight * count for symbol, count in counts.items())
    return Written(
        "x", known.cell, group.hm, group.number, tuple(op.triplet() for op in operations), formula, units,
        weight / volume * 1.66053906660, known.sites, tuple(orbits),
    )  # fmt: skip


def text(parts: Written, says: frozenset[str]) -> str:
    """The CIF of ``parts``; ``says`` names what it states beside cell and sites."""
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = [
        f"data_{parts.name}",
        *(f"_cell_{name} {value}" for name, value in zip(names, parts.cell, strict=True)),
    ]
    if "symbol" in says:
        lines.append(f"_symmetry_space_group_name_H-M '{parts.symbol}'")
    if "number" in says:
        lines.append(f"_symmetry_Int_Tables_number {parts.number}")
    if "formula" in says:
        lines.append(f"_chemical_formula_sum '{parts.formula}'")
    if "units" in says:
        lines.append(f"_cell_formula_units_Z {parts.units}")
    if "density" in says:
        lines.append(f"_exptl_crystal_density_diffrn {parts.density:.3f}")
    if "operations" in says:
        lines += [
            "loop_",
            "_symmetry_equiv_pos_as_xyz",
            *(f"'{operation}'" for operation in parts.operations),
        ]
    multiplicities = "multiplicities" in says
    lines += ["loop_", "_atom_site_label", "_atom_site_type_symbol"]
    lines += ["_atom_site_symmetry_multiplicity"] if multiplicities else []
    lines += ["_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z"]
    for i, ((symbol, x, y, z), count) in enumerate(zip(parts.sites, parts.multiplicities, strict=True)):
        lines.append(f"{symbol}{i + 1} {symbol} {count if multiplicities else ''} {x:.5f} {y:.5f} {z:.5f}")
    return "\n".join(lines) + "\n"


WORDS = ("symbol", "number", "formula", "units", "density", "operations", "multiplicities")


@st.composite
def struck(draw: st.DrawFn) -> str:
    """A good CIF with one or two faults of the kinds that published ones have, or none."""
    known = draw(st.sampled_from(KNOWN))
    parts = written(known)
    says = set(WORDS) - set(draw(st.lists(st.sampled_from(WORDS), max_size=3, unique=True)))
    if not says & {"operations", "symbol", "number"}:
        says.add("operations")
    if not says & {"units", "density", "multiplicities"}:  # nothing else tells how many atoms there are
        says |= {"formula", "units"}
    kinds = st.sampled_from(
        ("operation", "repeat", "axes", "units", "origin", "element", "symbol", "site", "cell", "identity")
    )
    for kind in draw(st.lists(kinds, max_size=2, unique=True)):
        parts = _strike(draw, kind, parts)
    return text(parts, frozenset(says))


def _strike(draw: st.DrawFn, kind: str, parts: Written) -> Written:
    if kind == "operation" and len(parts.operations) > 1:  # left out
        place = draw(st.integers(0, len(parts.operations) - 1))
        return parts._replace(operations=parts.operations[:place] + parts.operations[place + 1 :])
    if kind == "repeat":
        return parts._replace(operations=(*parts.operations, draw(st.sampled_from(parts.operations))))
    if kind == "axes":  # two of the cell's lengths, and their angles, are exchanged
        i, j = draw(st.sampled_from(((0, 1), (0, 2), (1, 2))))
        cell = list(parts.cell)
        cell[i], cell[j], cell[i + 3], cell[j + 3] = cell[j], cell[i], cell[j + 3], cell[i + 3]
        return parts._replace(cell=tuple(cell))
    if kind == "units":
        return parts._replace(units=draw(st.sampled_from((max(parts.units // 2, 1), parts.units * 2))))
    if kind == "origin":
        shift = draw(st.tuples(*3 * [st.sampled_from((0.0, 0.125, 0.25, 0.5, 0.07))]))
        sites = tuple(
            (s, *(float(v + d) % 1.0 for v, d in zip(place, shift, strict=True))) for s, *place in parts.sites
        )
        return parts._replace(sites=sites)  # type: ignore[arg-type] # three coordinates each
    if kind == "element":
        place = draw(st.integers(0, len(parts.sites) - 1))
        renamed = (draw(st.sampled_from(("C", "Fe", "Xe", "H"))), *parts.sites[place][1:])
        return parts._replace(sites=(*parts.sites[:place], renamed, *parts.sites[place + 1 :]))
    if kind == "symbol":
        other = draw(st.sampled_from(KNOWN))
        return parts._replace(symbol=gemmi.SpaceGroup(other.setting).hm)
    if kind == "site" and len(parts.sites) > 1:  # the file was cut
        return parts._replace(sites=parts.sites[:-1], multiplicities=parts.multiplicities[:-1])
    if kind == "cell":
        place, factor = draw(st.integers(0, 2)), draw(st.sampled_from((0.5, 2.0, 1.1)))
        return parts._replace(cell=tuple(v * factor if i == place else v for i, v in enumerate(parts.cell)))
    if kind == "identity":
        return parts._replace(operations=("x,y,z",))
    return parts


@given(struck())
@settings(max_examples=2000)
def test_a_struck_file_is_right_or_rejected(file: str) -> None:
    (result,) = parse(Entry(0, "x", "x.cif", file.encode(), {}))
    if isinstance(result, Crystal):
        assert disagreements(file, result) == [], file


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.setting)
def test_a_good_file_is_read_whatever_it_leaves_unsaid(known: Known) -> None:
    parts = written(known)
    for says in (
        set(WORDS),
        {"operations"},
        {"operations", "symbol"},
        {"symbol", "formula", "units"},
        {"symbol", "multiplicities"},
    ):
        file = text(parts, frozenset(says))
        (result,) = parse(Entry(0, "x", "x.cif", file.encode(), {}))
        assert isinstance(result, Crystal), (result, file)
        assert result.n_sites == sum(parts.multiplicities)
        assert result.remarks == ()
        assert disagreements(file, result) == []


def test_the_battery_agrees_with_a_second_reading(shared_data: Path) -> None:
    held = 0
    with tarfile.open(shared_data / "cif_battery" / "cifs.tar.xz") as archive:
        for member in archive:
            handle = archive.extractfile(member)
            assert handle is not None
            raw = handle.read()
            results = parse(Entry(0, member.name, member.name, raw, {}))
            if len(results) == 1 and isinstance(results[0], Crystal):
                file = re.sub(r"\r\n?", "\n", raw.decode(errors="replace"))
                assert disagreements(file, results[0]) == [], member.name
                held += 1
    assert held > 30
