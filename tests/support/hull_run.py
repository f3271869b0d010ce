"""A finished relaxation by two potentials, and known phases whose hulls can be laid by hand."""

from pathlib import Path

import numpy as np

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.relaxation.summary import RelaxSummary, StageDone
from hpcvox.stability.job import run
from hpcvox.stability.settings import HullSettings

REFERENCES = """\
id,formula,chgnet_energy,sevennet_energy
sr,Sr,-1.0,-1.1
ti,Ti,-2.0,-2.1
o,O2,-3.0,-3.1
mp-1,SrO,-4.0,-4.1
mp-2,TiO2,-4.5,-4.6
"""

CUBIC = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])


def perovskite(name: str, a: float, numbers: tuple[int, ...] = (38, 22, 8, 8, 8)) -> Crystal:
    return Crystal(name, "test", a * np.eye(3), CUBIC, np.array(numbers, np.uint8), {})


def make_relaxation(root: Path) -> None:
    """Write ``relaxed/``, ``references.csv``, and a known crystal in ``known/``."""
    relaxed = root / "relaxed"
    (relaxed / "cifs").mkdir(parents=True)
    lines = ["id,formula,code,energy,chgnet_energy,sevennet_energy,cif,message"]
    # the hull at SrTiO3: -4.3 by chgnet, -4.4 by sevennet
    for name, formula, code, first, second in (
        ("below", "SrTiO3", "", -4.4, -4.41),
        ("twin", "SrTiO3", "", -4.25, -4.35),
        ("torn", "SrTiO3", "", -4.31, -4.2),
        ("high", "SrTiO3", "", -4.0, -4.1),
        ("other", "PuTiO3", "", -4.0, -4.1),
        ("open", "SrTiO3", "not-converged", -4.4, -4.4),
    ):
        lines.append(f"{name},{formula},{code},{second},{first},{second},cifs/{name}.cif,said")
        # the twin is larger by 2 %, the torn one has Sr and Ti in each other's place
        numbers = (22, 38, 8, 8, 8) if name == "torn" else (38, 22, 8, 8, 8)
        crystal = perovskite(name, 3.98 if name == "twin" else 3.9, numbers)
        (relaxed / "cifs" / f"{name}.cif").write_text(cif_text(crystal))
    (relaxed / "relaxed.csv").write_text("\n".join([*lines, "bad,,no-structure,,,,,none"]) + "\n")
    stages = [StageDone(calculator=one, version=f"{one}-1", cell="full") for one in ("chgnet", "sevennet")]
    told = RelaxSummary(crystals=7, relaxed=6, converged=5, codes={}, stages=stages, means={}, medians={})
    told.save(relaxed)
    (root / "references.csv").write_text(REFERENCES)
    (root / "known").mkdir()
    (root / "known" / "mp-5229.cif").write_text(cif_text(perovskite("mp-5229", 3.91)))


def lay(root: Path, **more: object) -> None:
    """Put the relaxed crystals on their hulls, in ``out/``."""
    tree = {"relaxed": str(root / "relaxed"), "out": str(root / "out"), **more}
    run(config.validate(HullSettings, {"references": str(root / "references.csv"), **tree}, "test"))
