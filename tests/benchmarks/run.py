"""``make bench``: run every benchmark of this folder, print a table, write ``bench.json``.

A benchmark is a module ``bench_*.py`` with ``measure() -> list[dict]``; a result has ``name``, ``value``,
``unit``, and where they apply ``peer`` (the same work done another way, in the same run), ``ratio`` (value
over peer) and ``limit`` (the physical bound, or the most that is allowed).  Each runs in a process of its own,
so that none finds the caches and the heap of another.
"""

import importlib
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

KEYS = ("name", "value", "unit", "peer", "ratio", "limit")
HERE = Path(__file__).parent


def main() -> int:
    """Run the benchmarks named on the command line, or all."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    names = sys.argv[1:] or known
    if strange := [name for name in names if name not in known]:
        sys.exit(f"{', '.join(strange)}: no such benchmark; there are {', '.join(known)}")
    results = []
    print(f"{'name':<28}{'value':>12} {'unit':<14}{'peer':>12}{'ratio':>10}{'limit':>12}")
    for name in names:
        with ProcessPoolExecutor(1, get_context("spawn")) as own:
            measured = own.submit(_measure, name).result()
        for result in measured:
            row = {key: result.get(key) for key in KEYS}
            results.append(row)
            shown = [
                f"{row[key]:.4g}" if row[key] is not None else ""
                for key in ("value", "peer", "ratio", "limit")
            ]
            print(
                f"{row['name']:<28}{shown[0]:>12} {row['unit']:<14}{shown[1]:>12}{shown[2]:>10}{shown[3]:>12}",
                flush=True,
            )
    load, cpus = os.getloadavg()[0], os.cpu_count()
    if cpus is not None and load > cpus:
        print(f"warning: the machine was busy (load {load:.1f} on {cpus} CPUs): figures are too slow")
    Path("bench.json").write_text(json.dumps(results, indent=2) + "\n")
    print(f"{len(results)} figures written to bench.json")
    return 0


def _measure(name: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = importlib.import_module(f"tests.benchmarks.bench_{name}").measure()
    return results


if __name__ == "__main__":
    sys.exit(main())
