"""The evaluation section: figures of held-out reconstruction, as `hpcvox evaluate` left them."""

from hpcvox.report.parts import Section, Table, table
from hpcvox.report.reading import Folder, read_rows

NAME, TITLE = "evaluation", "Held-out reconstruction"
LARGEST_TABLE = 30
"""A CSV with more rows than this is data: its place is the list of files."""


def section(folder: Folder) -> Section:
    """Every figure of the folder's JSON files, and its small tables."""
    if folder.problem:
        return Section(NAME, TITLE, missing=folder.problem)
    rows = [(key, value) for key, value in folder.facts.items() if not key.startswith("versions.")]
    tables = [table("Figures", ["figure", "value"], rows)] if rows else []
    tables += _small_tables(folder)
    missing = "" if tables else f"{folder.path} has no figures: the evaluation has not finished."
    return Section(NAME, TITLE, missing=missing, tables=tables, notes=folder.notes)


def _small_tables(folder: Folder) -> list[Table]:
    assert folder.path is not None
    tables = []
    for file in sorted(folder.path.glob("*.csv")):
        rows = list(read_rows(file))
        if 0 < len(rows) <= LARGEST_TABLE:
            columns = list(rows[0])
            tables.append(
                table(
                    file.stem.replace("_", " "), columns, [[row.get(c, "") for c in columns] for row in rows]
                )
            )
    return tables
