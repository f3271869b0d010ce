"""Settings of the job ``database``."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from hpcvox.config import Settings
from hpcvox.crystals.elements import ATOMIC_NUMBERS
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
    elements: list[str] | None = Field(
        None, min_length=1, description="of which crystals are made, as [Sr, Ti, O]; null: all that there are"
    )
    seed: int = Field(
        0, ge=0, description="which crystals are drawn; a smaller size is the beginning of a larger"
    )
    energy: Literal["auto", "chgnet", "ewald"] = Field(
        "auto",
        description="chgnet: cells relaxed, formation energy by CHGNet; ewald: cells from radii, electrostatic "
        "energy of point charges; auto: chgnet where it is installed",
    )

    @field_validator("elements")
    @classmethod
    def _known(cls, elements: list[str] | None) -> list[str] | None:
        if unknown := [one for one in elements or () if one not in ATOMIC_NUMBERS]:
            raise ValueError(f"{unknown[0]} is no element")
        return elements

    actors: int = Field(0, ge=0, description="Ray actors, one CPU each; 0 takes all CPUs")
