"""The job ``elements``: the built-in elemental solids as a table."""

from collections import Counter
from typing import Any, Final

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.database.elements.settings import ElementsSettings
from hpcvox.database.prototypes.elemental import draw
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
        earlier.whole(settings.out)
    counts = ", ".join(f"{n} {kind}" for kind, n in Counter(solid.kind for solid, _ in drawn).items())
    return Outcome(f"{len(rows)} elemental solids ({counts}): {settings.out / TABLE}")
