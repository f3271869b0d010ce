"""Where every file is: what each folder holds, with paths relative to the page."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hpcvox.report.parts import Section, Table, TableCell, link, table
from hpcvox.report.run import Run

MOST_OF_A_KIND = 8
"""A folder with more files of one suffix than this has them as one row: their number and their folder."""


def sections(run: Run) -> list[Section]:
    """A table of files for each folder that is there."""
    there = [(folder.verb, folder.path) for folder in run.folders if folder.path is not None]
    tables = [_table(verb, path, run.page) for verb, path in there if path.is_dir()]
    intro = "Paths are relative to this page: the links work as long as the folders keep their places."
    return [Section("files", "Where every file is", intro=intro, tables=tables)]


def _table(verb: str, folder: Path, page: Path) -> Table:
    rows = [
        [
            TableCell(label, href=link(path, page)),
            TableCell(f"{count:,}", count),
            TableCell(_size(size), size),
        ]
        for label, path, count, size in _entries(folder, folder)
    ]
    caption = f"{os.path.relpath(folder, page.parent)} (hpcvox {verb})"
    return table(caption, ["file", "files", "size"], rows)


def _entries(root: Path, place: Path) -> Iterator[tuple[str, Path, int, int]]:
    """(label, path, files, bytes) of each file under ``place``, many of a kind as one."""
    files = sorted(p for p in place.iterdir() if p.is_file() and not p.name.startswith("."))
    kinds = Counter(file.suffix for file in files)
    for file in files:
        if kinds[file.suffix] <= MOST_OF_A_KIND:
            yield str(file.relative_to(root)), file, 1, file.stat().st_size
    for suffix, count in kinds.items():
        if count > MOST_OF_A_KIND:
            size = sum(file.stat().st_size for file in files if file.suffix == suffix)
            yield f"{place.relative_to(root) / ('*' + suffix)}", place, count, size
    for child in sorted(p for p in place.iterdir() if p.is_dir() and not p.name.startswith(".")):
        if not child.is_symlink():
            yield from _entries(root, child)


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"
