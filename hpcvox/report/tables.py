"""Makes the tables of the page: rows of a folder's tables, and the reasons of rejects."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hpcvox.crystals.record import Reject
from hpcvox.report.parts import Table, TableCell, table
from hpcvox.report.reading import ID, read_rows
from hpcvox.report.run import Folder
from hpcvox.shards.layout import REJECTS


def first_rows(
    caption: str,
    rows: Sequence[Mapping[str, str]],
    most: int,
    file: str,
    *,
    all_columns: bool = False,
    folded: bool = False,
) -> Table:
    """The first ``most`` rows of the table in ``file``, without the columns that are empty in every row."""
    columns = list(rows[0]) if rows else [ID]
    if not all_columns:
        columns = [column for column in columns if column == ID or any(row.get(column) for row in rows)]
    note = "" if len(rows) <= most else f"The first {most:,} of {len(rows):,}; all are in {file}."
    cells = [[row.get(column, "") for column in columns] for row in rows[:most]]
    return table(caption, columns, cells, note=note, folded=folded)


def energy(value: float | None) -> TableCell:
    """eV/atom, to the meV."""
    return TableCell("") if value is None else TableCell(f"{value:.3f}", value)


def reasons(
    caption: str,
    heads: Sequence[str],
    whys: Sequence[tuple[str, ...]],
    messages: Sequence[str],
    of: int | None,
) -> list[Table]:
    """Count equal reasons, the most frequent first, each with its first message; no table if there are none.

    Args:
        caption: caption of the table.
        heads: names of the columns of a reason, and of the count.
        whys: the reasons, as tuples.
        messages: the message of each.
        of: total for the share of each reason; None: no share.
    """
    if not whys:
        return []
    examples = dict(zip(reversed(whys), reversed(messages), strict=True))
    rows = [
        [*why, count, *([] if of is None else [f"{100 * count / of:.1f} %"]), examples[why]]
        for why, count in Counter(whys).most_common()
    ]
    return [table(caption, [*heads, *([] if of is None else ["share"]), "for example"], rows)]


def rejects(folder: Folder[Any], most: int) -> list[Table]:
    """Rejects by reason, and each with its origin; no tables if nothing was rejected."""
    file = folder.file(REJECTS)
    rows = [] if file is None else list(read_rows(file))
    if not rows:
        return []
    found = [Reject(*(row.get(name, "") for name in Reject._fields)) for row in rows]
    whys = [(reject.code or "not said",) for reject in found]
    said = [reject.message for reject in found]
    caption = f"Every rejected input ({len(rows):,})"
    return [
        *reasons("Rejected, by reason", ["reason", "count"], whys, said, None),
        first_rows(caption, rows, most, REJECTS, all_columns=True, folded=True),
    ]
