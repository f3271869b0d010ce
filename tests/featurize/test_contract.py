"""Every descriptor of hpcvox holds to what ``hpcvox.testing`` asks of others'."""

from pathlib import Path
from typing import Any

import pytest

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.featurize.descriptor import DESCRIPTORS
from hpcvox.testing.descriptors import check_descriptor
from tests.support.crystal_sources import perovskite

SMALL: dict[str, dict[str, Any]] = {
    "density": {"voxels": 16},
    "r3dvs": {"resolution": 0.8},
    "soap": {"n_max": 3, "l_max": 2},
    "diffraction": {"pixels": 16, "atoms": 40, "vacancies": 0.2, "displacement": 0.05},
    "graph": {"symprec": 0.01},
}


@pytest.mark.parametrize("name", DESCRIPTORS.ours)
def test_a_descriptor_holds_to_the_contract(name: str, tmp_path: Path) -> None:
    crystals = []
    for number, (a, b, x) in enumerate((("Ca", "Ti", "O"), ("K", "Nb", "F"), ("Sr", "Fe", "O"))):
        entry = Entry(number, f"m-{number}", "made", perovskite(a, b, x, 3.9 + 0.1 * number).encode(), {})
        crystals += [result for result in parse(entry) if isinstance(result, Crystal)]
    assert len(crystals) == 3
    check_descriptor(DESCRIPTORS.ours[name], crystals, tmp_path, **SMALL.get(name, {}))
