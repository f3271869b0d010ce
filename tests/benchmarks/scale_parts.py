"""What ``scale`` measures: each function makes its input of a size in a folder, and returns figures by name."""

import csv
import io
import json
import tarfile
import time
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import optuna
from optuna.distributions import distribution_to_json
from optuna.trial import TrialState

from hpcvox.actors.campaign import parts_of
from hpcvox.crystals.sources.source import open_source
from hpcvox.featurize.made import Made
from hpcvox.featurize.settings import CoulombSettings
from hpcvox.featurize.worker import ShardWorker, found
from hpcvox.shards.layout import CELL, ArraySpec, shard_name
from hpcvox.shards.manifest import ShardLine
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer
from hpcvox.shards.writing.closing import close_set
from hpcvox.studies import space
from hpcvox.studies.books.journal import JOURNAL
from hpcvox.studies.books.storage import storage
from hpcvox.studies.settings import Dimension, StudySettings
from hpcvox.studies.study import _NAME, Study
from tests.support.crystal_sources import perovskite

SAMPLES: Final = 1000
"""Crystals of a shard."""
SPECTRUM: Final = ArraySpec("spectrum", (8,), "float32", "1", ("value",), "stands for any array")
CRYSTAL: Final = perovskite("Sr", "Ti", "O", 3.9)
EPOCHS: Final = 16
ASKED: Final = 5


def closing(folder: Path, count: int) -> dict[str, float]:
    """Seconds to close a set of ``count`` crystals."""
    lines = list(_shards(folder, count))
    begun = time.perf_counter()
    close_set(
        folder, lines, descriptor="spectrum", grid="periodic", settings={}, code_version="0", source="x",
        n_entries=count,
    )  # fmt: skip
    return {"close_s": time.perf_counter() - begun}


def _shards(folder: Path, count: int) -> Iterator[ShardLine]:
    rng = np.random.default_rng(0)
    numbers, frac = np.full(5, 8, np.uint8), rng.random((5, 3))
    buffer = ShardBuffer((SPECTRUM, CELL), SAMPLES)
    for index in range(count // SAMPLES):
        buffer.clear()
        first = index * SAMPLES
        for entry in range(first, first + SAMPLES):
            buffer.slot()["cell"][:] = np.eye(3)
            formula = f"A{entry % 5000}B"
            buffer.commit(
                entry, f"crystal-{entry}", formula, f"x.csv:row {entry}", numbers, frac, {"energy": 1.0}
            )
        provenance = Provenance("spectrum", "periodic", {}, "0", "00ff", first, SAMPLES)
        yield buffer.write(folder / shard_name(index), provenance)


def source(folder: Path, count: int) -> dict[str, float]:
    """Entries a second of a table, of lines of JSON, of a tar and (at most 10,000) of a folder."""
    figures = {}
    for kind, made in {"csv": _csv, "jsonl": _jsonl, "tar": _tar, "folder": _folder}.items():
        of_kind = min(count, 10_000) if kind == "folder" else count
        path = made(folder, of_kind)
        begun = time.perf_counter()
        opened = open_source(path)
        opening = time.perf_counter() - begun
        assert sum(1 for _ in opened) == of_kind
        figures[f"{kind}_per_s"] = of_kind / (time.perf_counter() - begun)
        figures[f"{kind}_open_s"] = opening
        if path.is_file():
            path.unlink()
    return figures


def _csv(folder: Path, count: int) -> Path:
    text = CRYSTAL
    with (folder / "x.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "energy", "cif"])
        table.writerows((f"m-{number}", -number / 7, text) for number in range(count))
    return folder / "x.csv"


def _jsonl(folder: Path, count: int) -> Path:
    from pymatgen.core import Structure

    structure = json.dumps(Structure.from_str(CRYSTAL, "cif").as_dict())
    with (folder / "x.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(f'{{"id": "m-{number}", "structure": {structure}}}\n' for number in range(count))
    return folder / "x.jsonl"


def _tar(folder: Path, count: int) -> Path:
    text = CRYSTAL.encode()
    with tarfile.open(folder / "x.tar", "w") as file:
        for number in range(count):
            member = tarfile.TarInfo(f"m-{number}.cif")
            member.size = len(text)
            file.addfile(member, io.BytesIO(text))
    return folder / "x.tar"


def _folder(folder: Path, count: int) -> Path:
    (folder / "files").mkdir()
    for number in range(count):
        (folder / "files" / f"m-{number}.cif").write_text(CRYSTAL)
    return folder / "files"


def resume(folder: Path, count: int) -> dict[str, float]:
    """Seconds until half of a table is passed, all of whose shards are made and noted."""
    settings = CoulombSettings(source=_csv(folder, count), out=folder / "out", entries_per_shard=SAMPLES)
    settings.out.mkdir()
    worker, made = ShardWorker(settings), Made(settings.out)
    half = count // 2 // SAMPLES
    for part in islice(parts_of(open_source(settings.source), SAMPLES), half):
        result = worker(part)
        assert result.line is not None
        made.note(result.key, result.line)
    begun = time.perf_counter()
    parts = parts_of(open_source(settings.source), SAMPLES)
    opened = time.perf_counter() - begun
    made = Made(settings.out)
    passed = 0
    while found(settings, made, next(parts)) is not None:
        passed += 1
    assert passed == half
    return {"open_s": opened, "first_new_s": time.perf_counter() - begun}


def study(folder: Path, count: int) -> dict[str, float]:
    """Milliseconds to open a study of ``count`` trials and to ask for one more, in wall time and of the CPU."""
    _journal(folder, count)
    figures = {}
    for sampler in ("random", "tpe", "nsga2"):
        settings = _settings(folder, sampler)
        _opened(settings).claim()  # the first of a journal without a snapshot writes it
        begun, cpu = time.perf_counter(), time.process_time()
        opened = _opened(settings)
        figures[f"{sampler}_open_ms"] = 1e3 * (time.perf_counter() - begun)
        opened.claim()
        figures[f"{sampler}_open_and_ask_ms"] = 1e3 * (time.perf_counter() - begun)
        figures[f"{sampler}_open_and_ask_cpu_ms"] = 1e3 * (time.process_time() - cpu)
        times = []
        for _ in range(ASKED):
            begun, cpu = time.perf_counter(), time.process_time()
            assert opened.claim() is not None
            times.append((time.perf_counter() - begun, time.process_time() - cpu))
        wall, of_cpu = zip(*times, strict=True)
        figures[f"{sampler}_ask_ms"] = 1e3 * float(np.median(wall))
        figures[f"{sampler}_ask_cpu_ms"] = 1e3 * float(np.median(of_cpu))
    return figures


def _settings(folder: Path, sampler: str) -> StudySettings:
    rate, layers = Dimension(low=1e-5, high=1e-2, log=True), Dimension(low=1, high=3)
    tuned = {
        "learning_rate": rate,
        "model.convolutions": layers,
        "model.atom_features": Dimension(choices=[8, 32]),
    }
    return StudySettings.model_validate(
        {"out": folder, "verb": "train-cgcnn", "trials": 10**6, "sampler": sampler, "space": tuned}
    )


def _opened(settings: StudySettings) -> Study:
    kept = storage(settings.out)
    return Study(settings, optuna.load_study(study_name=_NAME, storage=kept), kept)


def _journal(folder: Path, count: int) -> None:
    """A journal of complete trials, as workers write it."""
    rng, worker, now = np.random.default_rng(0), f"{uuid.uuid4()}-1", "2026-01-01T00:00:00.000000+00:00"
    drawn = space.distributions(_settings(folder, "tpe"))
    with (folder / JOURNAL).open("w", encoding="utf-8") as file:

        def write(code: int, **what: object) -> None:
            file.write(
                json.dumps({"op_code": code, "worker_id": worker, **what}, separators=(",", ":")) + "\n"
            )

        write(0, study_name=_NAME, directions=[1])
        for trial in range(count):
            write(4, study_id=0, datetime_start=now)
            for name, value in zip(drawn, (rng.uniform(1e-5, 1e-2), int(rng.integers(1, 4)), 1), strict=True):
                text = distribution_to_json(drawn[name])
                write(5, trial_id=trial, param_name=name, param_value_internal=value, distribution=text)
            for key, said in {
                "run": f"trials/{trial:04d}",
                "node": "n",
                "hpcvox": "0",
                "git": "0" * 40,
            }.items():
                write(8, trial_id=trial, user_attr={key: said})
            for epoch in range(EPOCHS):
                write(7, trial_id=trial, step=epoch, intermediate_value=rng.random())
            state = TrialState.COMPLETE.value
            write(6, trial_id=trial, state=state, values=[rng.random()], datetime_complete=now)
