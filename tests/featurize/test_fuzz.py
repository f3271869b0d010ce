"""Whatever crystal comes, of any shape and size: each descriptor makes a sample or a reject of it, soon."""

import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpcvox.actors.campaign import Part
from hpcvox.crystals.record import Entry
from hpcvox.featurize.descriptor import DESCRIPTORS
from hpcvox.featurize.settings import CoulombSettings
from hpcvox.featurize.worker import ShardWorker
from hpcvox.shards.reading.shard_file import ShardFile

SECONDS = 10
"""That one crystal may take."""
MEMORY = 2 * 1024**3
"""Bytes that the process may grow by."""
SMALL: dict[str, dict[str, Any]] = {
    "diffraction": {"pixels": 16, "atoms": 40},
    "soap": {"centres": []},
    "density": {"shapes": "any"},
}

LONG = b"x\n1\n999 0 0\n-3.9 5.8 0\n-3.5 0 6.1\nTi\n1\nDirect\n0.1 0.2 0.3"
"""An oblique cell that every grid is too coarse for."""

LENGTHS = st.one_of(
    st.sampled_from([4.0, 5.5, 7.0, 0.5, 60.0, 999.0]), st.floats(-0.3, 2.9).map(lambda x: 10**x)
)
ELEMENTS = ["H", "He", "O", "Na", "Cl", "Ti", "Fe", "Cs", "Pt", "U", "Cf", "Es", "Og"]
ANGLES = st.one_of(st.sampled_from([60.0, 90.0, 120.0, 5.0, 175.0]), st.floats(20, 160))


@st.composite
def poscars(draw: st.DrawFn) -> bytes:
    """One to six sites of any element in a cell of any shape."""
    a, b, c = draw(LENGTHS), draw(LENGTHS), draw(LENGTHS)
    gamma, tilt = np.radians(draw(ANGLES)), np.radians(draw(ANGLES))
    rows = [(a, 0, 0), (b * np.cos(gamma), b * np.sin(gamma), 0), (c * np.cos(tilt), 0, c * np.sin(tilt))]
    symbols = draw(st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=6))
    place = st.tuples(*3 * [st.one_of(st.sampled_from([0.0, 0.5, 1 / 3]), st.floats(0, 0.999))])
    sites = [draw(place) for _ in symbols]
    lines = ["x", "1", *(" ".join(map(repr, map(float, row))) for row in rows), " ".join(symbols)]
    lines += [" ".join("1" for _ in symbols), "Direct", *(" ".join(map(repr, site)) for site in sites)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("descriptor", DESCRIPTORS.ours)
def test_no_crystal_stops_a_descriptor(tmp_path: Path, descriptor: str) -> None:
    kind = DESCRIPTORS.ours[descriptor].load("settings")
    made = ShardWorker(kind(out=tmp_path, **SMALL.get(descriptor, {})))
    made(Part(0, [Entry(0, "x", "x", LONG, {}, None, "poscar")]))  # numba compiles, once on a machine
    number = samples = 0

    @settings(
        max_examples=25,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.lists(poscars(), min_size=1, max_size=5))
    def holds(texts: list[bytes]) -> None:
        nonlocal number, samples
        number += 1
        begun = time.monotonic()
        entries = [Entry(i, f"x{i}", f"x{i}", text, {}, None, "poscar") for i, text in enumerate(texts)]
        line = made(Part(number, entries)).line
        assert line is not None
        assert line.samples + line.rejects == len(entries)
        samples += line.samples
        assert time.monotonic() - begun < SECONDS * len(entries)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    holds()
    assert samples
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY // 1024


def test_a_crystal_that_upsets_a_library_is_a_reject_and_the_others_are_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    eigenvalues = np.linalg.eigvalsh

    def upset(matrix: np.ndarray) -> np.ndarray:
        if len(matrix) == 3:
            raise np.linalg.LinAlgError("Eigenvalues did not converge")
        return eigenvalues(matrix)

    monkeypatch.setattr(np.linalg, "eigvalsh", upset)
    text = "x\n1\n4 0 0\n0 4 0\n0 0 4\nO\n{}\nDirect\n0 0 0\n.5 .5 .5\n.5 0 0\n"
    entries = [
        Entry(i, f"x{i}", f"x{i}", text.format(n).encode(), {}, None, "poscar")
        for i, n in enumerate((2, 3, 1))
    ]
    line = ShardWorker(CoulombSettings(out=tmp_path))(Part(0, entries)).line
    assert line is not None
    assert (line.samples, line.rejects) == (2, 1)
    with ShardFile(tmp_path / line.file) as shard:
        assert shard.texts("id") == ["x0", "x2"]
        assert shard.texts("rejects/code") == ["not-described"]
        assert shard.texts("rejects/message") == ["LinAlgError: Eigenvalues did not converge"]
