"""Settings of ``hpcvox evaluate-fingerprint``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hpcvox.config import Overwrite, Settings
from hpcvox.inputs import Input
from hpcvox.shared_settings import Actors

Displacement = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


_RUN = Input("`hpcvox train-fingerprint` makes it")


class EvaluateFingerprintSettings(Settings):
    """hpcvox evaluate-fingerprint: compare a fingerprint network and spglib on crystals with defects.

    It measures how often each finds the right class of a crystal (Ziletti et al. 2018, Tables S1 and S2).  Run it again
    and it goes on where it was.

    Examples:
      hpcvox evaluate-fingerprint limit=0 symmetry=false out=runs/defects_all
    """

    run: Annotated[Path, _RUN] = Field(
        Path("runs/fingerprint"), description="run folder of train-fingerprint"
    )
    source: Annotated[Path, Input("`hpcvox elements` makes crystals")] = Field(
        Path("runs/elements/crystals.csv"),
        description="crystals, as for featurize; with the target that the network was trained on",
    )
    out: Path = Field(
        Path("runs/defects"),
        description="folder for accuracy.csv, accuracy.png, per_crystal.csv and rejects.csv",
    )
    overwrite: Overwrite = False
    limit: int = Field(500, ge=0, description="use this many crystals, evenly spread over the source; 0: all")
    displacements: tuple[Displacement, ...] = Field(
        (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
        description="Å; standard deviations of the shift of each coordinate, each above 0",
    )
    vacancies: tuple[Share, ...] = Field(
        (0.01, 0.1, 0.25, 0.4, 0.5, 0.6, 0.7),
        description="shares of the atoms to remove, each between 0 and 1",
    )
    substitutions: tuple[Share, ...] = Field(
        (0.25, 0.5), description="shares of the atoms that become another element, each between 0 and 1"
    )
    symmetry: bool = Field(
        True,
        description="also classify the same supercells by spglib with three tolerances; this takes most of the "
        "time",
    )
    seed: int = Field(0, ge=0, description="seed of the defects; each crystal has its own defects")
    actors: Actors = 0

    makes = ("accuracy.csv", "accuracy.png", "per_crystal.csv", "rejects.csv", "parts")
