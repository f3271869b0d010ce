"""Settings of the job ``database``."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from hpcvox.config import Overwrite, Settings
from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.database.prototypes.compounds import LARGEST, SMALLEST
from hpcvox.shared_settings import Actors


class DatabaseSettings(Settings):
    """hpcvox database: the built-in crystals, relaxed and given an energy.

    Examples:
      hpcvox database size=1000 classes=[ABX3] out=runs/perovskites
    """

    out: Path = Field(Path("runs/database"), description="folder to write; a run that stopped goes on there")
    overwrite: Overwrite = False
    size: int = Field(
        400,
        ge=SMALLEST,
        le=LARGEST,
        description="number of built-in crystals, equally many of each class; there are only about 750 AB and 2,600 "
        "ABX3; if a class is used up, the others fill its share",
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
        description="elements that crystals may contain, as [Sr, Ti, O]; null: all elements",
    )
    seed: int = Field(
        0,
        ge=0,
        description="seed of the draw; with the same seed a smaller draw is the beginning of a larger one",
    )
    energy: Literal["auto", "chgnet", "ewald"] = Field(
        "auto",
        description="chgnet: relaxed cells and formation energies by the universal potential CHGNet (pip install "
        "'hpcvox[chgnet]'); ewald: cells estimated from radii, electrostatic energies of point charges; auto: "
        "chgnet if it is installed, else ewald",
    )

    # parts/ stays: each part says what it was made from
    makes = ("crystals.csv", "rejects.csv", "references.csv", "database.json")

    @field_validator("elements")
    @classmethod
    def _known(cls, elements: list[str] | None) -> list[str] | None:
        if unknown := [one for one in elements or () if one not in ATOMIC_NUMBERS]:
            raise ValueError(f"{unknown[0]} is no element")
        return elements

    actors: Actors = 0
