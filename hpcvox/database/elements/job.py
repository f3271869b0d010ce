"""The job ``elements``: the built-in elemental solids as a table."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.database.elements.settings import ElementsSettings
from hpcvox.database.prototypes.elemental import Solid, draw
from hpcvox.database.summary import TABLE, Column
from hpcvox.files import durable, earlier
from hpcvox.process.outcome import Outcome

COLUMNS: Final = (
    Column.ID,
    Column.FORMULA,
    Column.CLASS,
    Column.PROTOTYPE,
    Column.SPACE_GROUP,
    Column.CIF,
)


def run(settings: ElementsSettings) -> Outcome:
    """Write ``crystals.csv``.

    Raises:
        ConfigError: the folder holds results of other settings.
        BusyError: another run is writing the folder.
    """
    with durable.sole_writer(settings.out):
        config.claim(settings, settings.out)
        drawn = draw(settings.size, settings.seed)
        write(settings.out / TABLE, drawn)
        earlier.whole(settings.out)
    counts = ", ".join(f"{n} {kind}" for kind, n in Counter(solid.kind for solid, _ in drawn).items())
    return Outcome(f"{len(drawn)} elemental solids ({counts}): {settings.out / TABLE}")


def write(path: Path, drawn: Sequence[tuple[Solid, Crystal]]) -> None:
    """Write a table of elemental solids."""
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
    durable.write_csv(path, COLUMNS, rows)
