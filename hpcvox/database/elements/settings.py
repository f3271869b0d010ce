"""Settings of the job ``elements``."""

from pathlib import Path

from pydantic import Field

from hpcvox.config import Overwrite, Settings
from hpcvox.database.prototypes.elemental import KINDS


class ElementsSettings(Settings):
    """hpcvox elements: elemental solids of the seven classes of Ziletti et al. 2018, for train-fingerprint.

    Examples:
      hpcvox elements size=1000 out=runs/elements
    """

    out: Path = Field(Path("runs/elements"), description="folder to write")
    overwrite: Overwrite = False
    size: int = Field(
        10_517,
        ge=len(KINDS),
        le=1_000_000,
        description="number of elemental solids, equally many of each of the seven classes: sc, fcc, bcc, diamond, "
        "two kinds of body-centred tetragonal, and hexagonal with rhombohedral; the paper has 10,517",
    )
    seed: int = Field(
        0,
        ge=0,
        description="seed of the draw; with the same seed, a smaller set is the beginning of a larger one",
    )

    makes = ("crystals.csv",)
