"""Its source: a file of lines ``id cation anion a energy``, each a crystal of rocksalt."""

from collections.abc import Iterator
from pathlib import Path

from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.columns import ColumnChoice
from hpcvox.errors import SourceError

POSCAR = "{0}\n{3}\n0 .5 .5\n.5 0 .5\n.5 .5 0\n{1} {2}\n1 1\nDirect\n0 0 0\n.5 .5 .5\n"


class LineSource:
    """A crystal a line."""

    kind = "lines"
    total: int | None = None
    target_names: tuple[str, ...] = ("energy",)
    passed_over = ""

    def __init__(self, path: Path, columns: ColumnChoice) -> None:
        self.path = path
        if path.stat().st_size == 0:
            raise SourceError(f"{path}: the file is empty: give one with a line a crystal")

    def __iter__(self) -> Iterator[Entry]:
        with self.path.open(encoding="utf-8", errors="replace") as file:
            for index, line in enumerate(file):
                origin, words = f"{self.path.name}:line {index + 1}", line.split()
                if len(words) == 5:
                    text = POSCAR.format(*words).encode()
                    yield Entry(index, words[0], origin, text, {"energy": float(words[4])}, None, "poscar")
                else:
                    fault = Fault("row", f"{len(words)} words where 5 are needed")
                    yield Entry(index, origin, origin, b"", {}, fault, "poscar")
