"""Fixtures of what is drawn."""

from pathlib import Path

import ase.io
import pytest
from ase.spacegroup import crystal


@pytest.fixture
def rocksalt(tmp_path: Path) -> Path:
    """A CIF of MgO."""
    atoms = crystal(
        ["Mg", "O"], [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=[4.2, 4.2, 4.2, 90, 90, 90]
    )
    ase.io.write(tmp_path / "mgo.cif", atoms, format="cif")
    return tmp_path / "mgo.cif"
