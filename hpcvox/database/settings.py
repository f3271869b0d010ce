"""Settings of the job ``database``."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.database.prototypes.compounds import LARGEST, SMALLEST


class DatabaseSettings(Settings):
    """What ``hpcvox database`` is told."""

    out: Path = Field(Path("runs/database"), description="folder to write; a run that stopped goes on there")
    size: int = Field(
        400,
        ge=SMALLEST,
        le=LARGEST,
        description="built-in crystals to draw, shared evenly by the classes",
    )
    classes: list[Literal["AB", "ABX3", "Heusler"]] = Field(
        ["AB", "ABX3", "Heusler"], min_length=1, description="of crystals: AB, ABX3 (perovskites), Heusler"
    )
    seed: int = Field(
        0, ge=0, description="which crystals are drawn; a smaller size is the beginning of a larger"
    )
    energy: Literal["auto", "chgnet", "ewald"] = Field(
        "auto",
        description="chgnet: cells relaxed, formation energy by CHGNet; ewald: cells from radii, electrostatic "
        "energy of point charges; auto: chgnet where it is installed",
    )
    actors: int = Field(0, ge=0, description="Ray actors, one CPU each; 0 takes all CPUs")
