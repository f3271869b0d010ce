"""A field in a process of its own: what ends it, and what is left of it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcvox.calculators import field, gpaw
from hpcvox.errors import Rejected

needs_gpaw = pytest.mark.skipif(not gpaw.installed(), reason="GPAW is not installed")


def fields_at_work(scratch: Path) -> list[int]:
    """Processes whose working folder is below ``scratch``."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(scratch):
                found.append(int(link.parent.name))
        except OSError:
            continue
    return found


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.1)


BUSY = field.Request(
    lattice=(8 * np.eye(3)).tolist(),
    frac=[[0.0, 0.0, 0.0]],
    numbers=[26],
    valence=[8],
    moments=[4.0],
    xc="PBE",
    cutoff=900.0,
    k_density=5.0,
    smearing=0.05,
    max_iterations=1000,
    sigma=0.2,
    shape=(32, 32, 32),
)
"""A crystal that takes minutes."""


@needs_gpaw
def test_a_process_that_is_killed_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    said: list[Exception] = []

    def solve() -> None:
        try:
            field.solve(BUSY, tmp_path, 300)
        except Exception as error:
            said.append(error)

    thread = threading.Thread(target=solve)
    thread.start()
    until(lambda: fields_at_work(tmp_path))
    os.kill(fields_at_work(tmp_path)[0], signal.SIGKILL)
    thread.join(60)
    (error,) = said
    assert isinstance(error, Rejected)
    assert (error.code, "SIGKILL" in str(error)) == ("killed", True)
    assert list(tmp_path.iterdir()) == []


class Ended(subprocess.Popen[bytes]):
    """A process that has ended before anything is written to it."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)


def test_a_process_that_ends_before_it_listens_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr(subprocess, "Popen", Ended)
    with pytest.raises(Rejected) as error:
        field.solve(BUSY, tmp_path, 60)
    assert error.value.code == "failed"
    assert list(tmp_path.iterdir()) == []


@needs_gpaw
def test_a_field_ends_with_whoever_wanted_it(tmp_path: Path) -> None:
    """Whoever is killed with -9 leaves no SCF behind."""
    script = "import sys, json; from pathlib import Path; from hpcvox.calculators.field import solve\n"
    script += "solve(json.load(sys.stdin), Path(sys.argv[1]), 300)"
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdin is not None
        json.dump(BUSY, parent.stdin)
        parent.stdin.close()
        until(lambda: fields_at_work(tmp_path))
        parent.kill()
    until(lambda: not fields_at_work(tmp_path))


def helium(valence: int) -> field.Request:
    """One atom in a small cell, asked for with so many valence electrons."""
    return {
        **BUSY,
        "numbers": [2],
        "valence": [valence],
        "moments": [],
        "lattice": (3 * np.eye(3)).tolist(),
        "cutoff": 300.0,
        "k_density": 0.5,
        "shape": (22, 22, 22),
    }


@needs_gpaw
def test_a_launcher_of_mpi_does_not_disturb_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PMIX_RANK", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "I_MPI_MPIRUN"):
        monkeypatch.setenv(name, "1")
    result = field.solve(helium(2), tmp_path, 300)
    assert result.density.mean() * 27 == pytest.approx(2, abs=1e-10)


@needs_gpaw
def test_a_data_set_of_another_valence_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"\[2\] valence electrons, not \[4\]") as error:
        field.solve(helium(4), tmp_path, 300)
    assert error.value.code == "other-data-set"
