"""Measures what grows with the number of crystals or trials, each size in a process of its own, and draws the curves.

    python -m tests.benchmarks.scale closing source resume study --largest 1000000 --out scale

closing  seconds and memory of writing set.h5, rejects.csv and the manifest of a set whose shards are made
source   entries that one reader gives in a second, of each kind of source, and its memory
resume   seconds until a run that was killed half-way has passed what is made (without the start of Ray)
study    milliseconds to open a study and to ask for a trial, with each sampler (at most 30,000 trials)

It writes scale.json and scale.png.  Sets are synthetic: crystals of five sites, without voxels.  Each crystal takes
1 kB of disk while it is measured.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from tests.benchmarks import scale_parts

MEASURED: Final[dict[str, Callable[[Path, int], dict[str, float]]]] = {
    "closing": scale_parts.closing,
    "source": scale_parts.source,
    "resume": scale_parts.resume,
    "study": scale_parts.study,
}
MOST_TRIALS: Final = 30_000


def main() -> None:
    """Measure what the command line names."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("what", nargs="*", choices=[*MEASURED, []], help="what is measured; default: all")
    given.add_argument("--largest", type=int, default=100_000, help="largest number of crystals")
    given.add_argument("--out", type=Path, default=Path("scale"), help="folder for scale.json and scale.png")
    asked = given.parse_args()
    rows = []
    for what in asked.what or list(MEASURED):
        for count in _sizes(min(asked.largest, MOST_TRIALS) if what == "study" else asked.largest):
            with ProcessPoolExecutor(1, get_context("spawn")) as own:
                figures = own.submit(_measured, what, count).result()
            rows += [
                {"what": what, "count": count, "figure": name, "value": value}
                for name, value in figures.items()
            ]
            print(what, f"{count:,}", *(f"{name}={value:.4g}" for name, value in figures.items()), flush=True)
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "scale.json").write_text(json.dumps(rows, indent=2) + "\n")
    _draw(rows).savefig(asked.out / "scale.png", dpi=120)


def _sizes(largest: int) -> Iterator[int]:
    """1,000, 10,000 … and the largest."""
    count = 1000
    while count < largest:
        yield count
        count *= 10
    yield largest


def _measured(what: str, count: int) -> dict[str, float]:
    before = _resident_mb()
    with tempfile.TemporaryDirectory(prefix="scale-") as place:
        begun = time.perf_counter()
        figures = MEASURED[what](Path(place), count)
        return {
            **figures,
            "peak_mb": _resident_mb(),
            "begun_mb": before,
            "all_s": time.perf_counter() - begun,
        }


def _resident_mb() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _draw(rows: list[dict[str, Any]]) -> Figure:
    """A panel for each thing that was measured; both axes are logarithmic."""
    names = list(dict.fromkeys(row["what"] for row in rows))
    figure = Figure(figsize=(4.5 * len(names), 4), layout="constrained")
    for axes, what in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for name in dict.fromkeys(row["figure"] for row in rows if row["what"] == what):
            of_name = [row for row in rows if row["what"] == what and row["figure"] == name]
            axes.loglog([r["count"] for r in of_name], [r["value"] for r in of_name], marker=".", label=name)
        axes.set(title=what, xlabel="trials" if what == "study" else "crystals")
        axes.legend(frameon=False, fontsize=7)
    return figure


if __name__ == "__main__":
    main()
