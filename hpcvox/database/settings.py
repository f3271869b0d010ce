"""Settings of the job ``database``."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from hpcvox.config import Settings
from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.database.prototypes.compounds import LARGEST, SMALLEST
from hpcvox.shared_settings import Actors


class DatabaseSettings(Settings):
    """hpcvox database: the built-in crystals, relaxed and given an energy.

    Examples:
      hpcvox database size=1000 classes=[ABX3] out=runs/perovskites
    """

    out: Path = Field(Path("runs/database"), description="folder to write; a run that stopped goes on there")
    size: int = Field(
        400,
        ge=SMALLEST,
        le=LARGEST,
        description="built-in crystals to draw, shared evenly by the classes; there are about 750 AB and 2,600 "
        "ABX3, and a class that is used up leaves its share to the others",
    )
    classes: list[Literal["AB", "ABX3", "Heusler"]] = Field(
        ["AB", "ABX3", "Heusler"],
        min_length=1,
        description="classes of crystals to draw from: AB (binary rocksalt, CsCl, zincblende), ABX3 "
        "(perovskites), Heusler",
    )
    elements: list[str] | None = Field(
        None,
        min_length=1,
        description="elements that crystals are made of, as [Sr, Ti, O]; null: all that there are",
    )
    seed: int = Field(
        0,
        ge=0,
        description="which crystals are drawn; with the same seed a smaller size is the beginning of a larger one",
    )
    energy: Literal["auto", "chgnet", "ewald"] = Field(
        "auto",
        description="chgnet: cells relaxed, formation energy by the universal potential CHGNet (pip install "
        "'hpcvox[chgnet]'); ewald: cells from radii, electrostatic energy of point charges; auto: "
        "chgnet where it is installed",
    )

    @field_validator("elements")
    @classmethod
    def _known(cls, elements: list[str] | None) -> list[str] | None:
        if unknown := [one for one in elements or () if one not in ATOMIC_NUMBERS]:
            raise ValueError(f"{unknown[0]} is no element")
        return elements

    actors: Actors = 0
