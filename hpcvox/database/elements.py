"""The job ``elements``: the built-in elemental solids as a table."""

from collections import Counter
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from hpcvox import config
from hpcvox.config import Settings
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.database.prototypes.elemental import KINDS, draw
from hpcvox.database.summary import TABLE, Column
from hpcvox.files import durable
from hpcvox.process.outcome import Outcome

COLUMNS: Final = (
    Column.ID,
    Column.FORMULA,
    Column.CLASS,
    Column.PROTOTYPE,
    Column.SPACE_GROUP,
    Column.CIF,
)


class ElementsSettings(Settings):
    """hpcvox elements: elemental solids of the seven classes of Ziletti et al. 2018, for train-fingerprint.

    Examples:
      hpcvox elements size=1000 out=runs/elements
    """

    out: Path = Field(Path("runs/elements"), description="folder to write")
    size: int = Field(
        10_517,
        ge=len(KINDS),
        le=1_000_000,
        description="elemental solids to draw, shared evenly by the seven classes: sc, fcc, bcc, diamond, two "
        "kinds of body-centred tetragonal, and hexagonal with rhombohedral; the paper has 10,517",
    )
    seed: int = Field(
        0,
        ge=0,
        description="which solids are drawn; with the same seed a smaller size is the beginning of a larger one",
    )


def run(settings: ElementsSettings) -> Outcome:
    """Write ``crystals.csv``.

    Raises:
        BusyError: another run is writing the folder.
    """
    with durable.sole_writer(settings.out):
        config.save(settings, settings.out / "config.yaml")
        drawn = draw(settings.size, settings.seed)
        rows: list[dict[str, Any]] = [
            {
                Column.ID: crystal.id,
                Column.FORMULA: crystal.formula,
                Column.CLASS: solid.kind,
                Column.PROTOTYPE: solid.name,
                Column.SPACE_GROUP: solid.space_group,
                Column.CIF: cif_text(crystal),
            }
            for solid, crystal in drawn
        ]
        durable.write_csv(settings.out / TABLE, COLUMNS, rows)
    counts = ", ".join(f"{n} {kind}" for kind, n in Counter(solid.kind for solid, _ in drawn).items())
    return Outcome(f"{len(rows)} elemental solids ({counts}): {settings.out / TABLE}")
