"""The folder of a campaign of two rounds, made by hand: finds with their crystals, and what is none."""

from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.files import durable
from hpcvox.rounds.folders import CIFS, FINDS, Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import KEPT, LOST, Find, Lost, Reason, RoundDone, RoundSummary, find_columns
from hpcvox.stability.summary import above_column, energy_column, phases_column

FRAC: Final = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
STAGE: Final = "chgnet"
TARGET: Final = "heat_all"
BY_ROUND: Final = {
    1: list(product((19, 37, 55), (30, 50), (9, 17))),
    2: list(product((38, 56), (22, 40, 72), (8,))),
}
"""Atomic numbers of A, B and X of the finds, ABX3."""


def make_campaign(out: Path, *given: str) -> CampaignSettings:
    """Write the folder; the settings of its campaign."""
    settings = config.load(CampaignSettings, None, [f"out={out}", "rounds=2", "samples=40", *given])
    out.mkdir(parents=True)
    config.save(settings, out / "config.yaml")
    columns = find_columns([STAGE], [STAGE], [TARGET])
    rows: list[dict[str, Any]] = []
    made: list[Crystal] = []
    for number, compositions in BY_ROUND.items():
        place = Round(out, number)
        crystals = [_crystal(number, i, *abx) for i, abx in enumerate(compositions)]
        finds = [_row(number, i, crystal) for i, crystal in enumerate(crystals)]
        place.kept.mkdir(parents=True)
        durable.write_csv(place.kept / KEPT, columns, finds)
        lost: dict[str, Any] = {
            Lost.ID: "d0-000099",
            Lost.FORMULA: "NaCl",
            Lost.REASON: Reason.ABOVE,
            Lost.MESSAGE: "0.3 eV",
        }
        durable.write_csv(place.kept / LOST, list(Lost), [lost])
        _write_cifs(place.kept, crystals)
        summary(number, finds=len(finds), reasons={Reason.ABOVE: 1}).save(place.kept)
        RoundDone(done=["keep", "train_vae"], seconds={"relax": 900.0}, cores=2).save(place.folder)
        rows, made = rows + finds, made + crystals
    durable.write_csv(out / FINDS, columns, rows)
    _write_cifs(out, made)
    return settings


def summary(number: int, **counts: Any) -> RoundSummary:
    """Of a round of 40 samples; what is not given is 0."""
    known: dict[str, Any] = dict.fromkeys(RoundSummary.model_fields, 0)
    known |= {
        "round": number,
        "samples": 40,
        "plausible": 36,
        "wanted": counts.get("finds", 0),
        "reasons": {},
    }
    known["msun"] = counts.get("finds", 0) / 40
    return RoundSummary(**known | counts)


def _write_cifs(folder: Path, crystals: list[Crystal]) -> None:
    with CifSet(folder / CIFS).replaced("folder") as add:
        for crystal in crystals:
            add(f"{crystal.id}.cif", cif_text(crystal))


def _crystal(number: int, i: int, a: int, b: int, x: int) -> Crystal:
    return Crystal(
        f"r{number}-d0-{i:06d}",
        "made",
        np.eye(3) * (4 + 0.02 * i),
        FRAC,
        np.array([a, b, x, x, x], np.uint8),
        {},
    )


def _row(number: int, i: int, crystal: Crystal) -> dict[str, Any]:
    above = 0.01 * i - 0.02
    return {
        Find.ID: crystal.id, Find.ROUND: number, Find.CANDIDATE: f"d0-{i:06d}", Find.PARENT: "perovskites",
        Find.CHECKSUM: "0", Find.SEED: number - 1, Find.DECILE: 0, Find.CONDITION_FROM: "-0.38",
        Find.CONDITION_TO: "0.652", Find.FORMULA: crystal.formula, Find.SITES: 5, Find.GROUP: 221,
        Find.SYMBOL: "Pm-3m", Find.DENSITY: 4 + 0.1 * i, Find.ABOVE: f"{above:.6f}", Find.STABLE: int(above <= 0),
        Find.WANTED: 1, Find.BOND_CHANGE: 1.5, Find.CALCULATORS: "chgnet-0.4.2", Find.CIF: f"cifs/{crystal.id}.cif",
        energy_column(STAGE): -6.5, above_column(STAGE): f"{above:.6f}",
        phases_column(STAGE): "0.60 KF (mp-463) + 0.40 ZnF2 (mp-1873)", f"predicted_{TARGET}": 0.1 * i,
    }  # fmt: skip
