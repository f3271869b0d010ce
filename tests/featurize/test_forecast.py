"""How many inputs will be refused is told beforehand, and with which setting they would not."""

from pathlib import Path
from typing import Literal

from ase.build import bulk
from ase.io import write

from hpcvox.featurize.forecast import Forecast, forecast
from hpcvox.featurize.settings import DensitySettings


def folder(place: Path) -> Path:
    """Two cubes, two hexagonal crystals and a file that is none."""
    place.mkdir()
    for name, atoms in (("MgO", bulk("MgO", "rocksalt", a=4.21)), ("Cu", bulk("Cu", cubic=True))):
        write(place / f"{name}.cif", atoms)
    for name in ("Mg", "Ti"):
        write(place / f"{name}.cif", bulk(name))
    (place / "none.cif").write_text("data_x\n")
    return place


def looked(source: Path, shapes: Literal["cubic", "any"] = "cubic", most: int = 200) -> Forecast:
    found = forecast(DensitySettings(source=source, shapes=shapes), most)
    assert found is not None
    return found


def test_the_setting_that_helps_is_named(tmp_path: Path) -> None:
    seen = looked(folder(tmp_path / "cifs"))
    assert (seen.entries, seen.whole, len(seen.crystals)) == (5, True, 2)
    assert seen.warning("cifs") == (
        "of 5 inputs of cifs 3 will be refused: 2 not-cubic (shapes=any takes them, shapes=orthogonal those of right "
        "angles), 1 no-structure"
    )


def test_where_no_setting_helps_nothing_is_said(tmp_path: Path) -> None:
    seen = looked(folder(tmp_path / "cifs"), shapes="any")
    assert len(seen.crystals) == 4
    assert seen.warning("cifs") == ""


def test_of_a_long_source_the_first_inputs_tell(tmp_path: Path) -> None:
    seen = looked(folder(tmp_path / "cifs"), most=4)
    assert not seen.whole
    assert seen.warning("cifs").startswith("of the first 4 inputs of cifs ")


def test_where_the_inputs_cannot_be_looked_at_nothing_is_told(tmp_path: Path) -> None:
    assert forecast(DensitySettings(source=tmp_path / "nothing.csv")) is None
