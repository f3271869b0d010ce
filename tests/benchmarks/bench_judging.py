"""``judge`` and ``hull`` of candidates: which are plausible and new, and how far they are above the hull.

``python -m tests.benchmarks.bench_judging 10000`` does more of them than ``make bench``.  The candidates are crystals
of Perov-5's validation and test sets, shaken; the known crystals are those of the validation set.  So half of the
formulas are known, and beyond 7,572 candidates formulas come twice.
"""

import csv
import itertools
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.crystals.sources.source import open_source
from hpcvox.files import durable
from hpcvox.generation.candidates import CIFS
from hpcvox.generation.candidates import COLUMNS as GENERATED
from hpcvox.generation.candidates import TABLE as CANDIDATES
from hpcvox.generation.judging import job as judging
from hpcvox.generation.settings import GenerateSettings, JudgeSettings
from hpcvox.relaxation.summary import TABLE as RELAXED
from hpcvox.relaxation.summary import RelaxSummary, StageDone
from hpcvox.stability import job as stability
from hpcvox.stability.settings import HullSettings
from tests.support.paths import ROOT

PEROV5: Final = Path(os.environ.get("HPCVOX_SHARED", ROOT.parent / "shared")) / "data"
KNOWN: Final = PEROV5 / "perov5_val.csv.xz"
FAR: Final = 0.02
"""The sites are moved by so much of the cell's edges (standard deviation), and the edges too."""


def measure(count: int = 1000, actors: int = 0) -> list[dict[str, Any]]:
    """Seconds per 1,000 candidates of ``judge`` and of ``hull``, both with known crystals."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write(folder, count)
        judge = {"generated": folder, "out": folder / "judged", "known": [KNOWN], "actors": actors}
        hull = {"relaxed": folder, "out": folder / "hull", "known": [KNOWN], "actors": actors}
        seconds = {
            "judge": _wall(lambda: judging.run(config.validate(JudgeSettings, judge, "bench"))),
            "hull": _wall(lambda: stability.run(config.validate(HullSettings, hull, "bench"))),
        }
    return [
        {"name": f"{name}_s_per_1000", "value": 1000 * taken / count, "unit": "s", "limit": 15}
        for name, taken in seconds.items()
    ]


def _write(folder: Path, count: int) -> None:
    """The folder of ``generate`` and of ``relax`` in one: ``candidates.csv``, ``relaxed.csv``, ``cifs/``."""
    rng = np.random.default_rng(0)
    made = [
        _shaken(crystal, f"d0-{i:06d}", rng) for i, crystal in enumerate(itertools.islice(_crystals(), count))
    ]
    with CifSet(folder / CIFS).replaced("folder") as add:
        for one in made:
            add(f"{one.id}.cif", cif_text(one))
    rows = [
        {
            **dict.fromkeys(GENERATED, ""),
            "id": one.id,
            "decile": 0,
            "valid": True,
            "formula": one.formula,
            "cif": f"{CIFS}/{one.id}.cif",
        }
        for one in made
    ]
    durable.write_csv(folder / CANDIDATES, GENERATED, rows)
    config.save(
        config.validate(GenerateSettings, {"vae": folder / "no_vae"}, "bench"), folder / "config.yaml"
    )
    with (folder / RELAXED).open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "formula", "code", "chgnet_energy", "outcome", "cif", "message"])
        for one in made:
            table.writerow([one.id, one.formula, "", rng.uniform(-8, -4), "", f"{CIFS}/{one.id}.cif", ""])
    stage = StageDone(calculator="chgnet", version="bench", cell="full")
    RelaxSummary(
        crystals=count, relaxed=count, converged=count, codes={}, stages=[stage], means={}, medians={}
    ).save(folder)


def _crystals() -> Iterator[Crystal]:
    """Those of both sets, again and again."""
    while True:
        for source in (KNOWN, PEROV5 / "perov5_test.csv.xz"):
            for entry in open_source(source, targets=[]):
                yield from (one for one in parse(entry) if isinstance(one, Crystal))


def _shaken(crystal: Crystal, name: str, rng: np.random.Generator) -> Crystal:
    frac = (crystal.frac + rng.normal(0, FAR, crystal.frac.shape)) % 1
    return replace(crystal, id=name, lattice=crystal.lattice * (1 + rng.normal(0, FAR)), frac=frac)


def _wall(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    for row in measure(*map(int, sys.argv[1:])):
        print(row["name"], round(row["value"], 2))
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(who)
        print(f"CPU {used.ru_utime + used.ru_stime:.1f} s, most memory {used.ru_maxrss / 1024:.0f} MB")
