"""The steps of experiments: each is done once, its result kept in a file, and several processes may share them."""

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import xxhash

from hpcvox import __version__
from hpcvox.errors import BusyError
from hpcvox.files import durable
from hpcvox.files.summary import Part
from hpcvox.terminal import counted, say

P = TypeVar("P", bound=Part)

RESULTS: Final = "steps"
"""Folder with a file for the result of each step."""

WORK: Final = "work"
"""Folder in which steps work; what is in it goes when they are done."""

LOCKS: Final = ".locks"
"""Folder with a lock of each step; it stays, since another process may be about to take one."""

SHORT: Final = 8
"""Digits of a hash that stand in the name of a file."""

PAUSE_S: Final = 5.0
"""Seconds between two looks at steps that other processes are at."""


class StoppedError(Exception):
    """A step was told to stop; run again, it goes on where it was."""


@dataclass(frozen=True)
class Step(Generic[P]):
    """A piece of work with a result."""

    name: str
    """Its place: ``fig4/draw-0/soap``."""
    kind: type[P]
    """The type of its result."""
    settled: Any
    """Everything that decides the result, as JSON."""
    make: Callable[[Path], P]
    """Does it; takes a folder to work in, which holds what an interrupted try has left, and is removed afterwards.

    Raises :class:`StoppedError` when it was told to stop."""
    leaves: tuple[Path, ...] = ()
    """Files that it leaves for other steps; without them it is not done."""
    needs: "tuple[Step[Any], ...]" = ()
    """Steps that are done before it, by this process or another."""


class Steps:
    """The results of steps, each in a file below ``folder``/steps; those of other settings stay beside them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seconds: dict[str, float] = {}

    def result(self, step: Step[P]) -> P | None:
        """The result of ``step``; None if it is not done, or was done with other settings, data or code."""
        try:
            kept = json.loads(self._file(step).read_text("utf-8"))
            if kept["settled"] != digest(step.settled) or not all(path.exists() for path in step.leaves):
                return None
            self._seconds[step.name] = float(kept["seconds"])
            return step.kind.model_validate(kept["result"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def done(self, step: Step[P]) -> P:
        """The result of ``step``, which :meth:`work_through` has done."""
        result = self.result(step)
        assert result is not None, f"{step.name} is not done"
        return result

    def seconds(self, steps: Sequence[Step[Any]]) -> float:
        """Seconds of work in ``steps``, whose results have been read."""
        return sum(self._seconds.get(name, 0.0) for name in {step.name for step in steps})

    def left(self, steps: Sequence[Step[Any]]) -> list[Step[Any]]:
        """Those of ``steps`` that are not done, each once."""
        return [step for step in {step.name: step for step in steps}.values() if self.result(step) is None]

    def work_through(self, steps: Sequence[Step[Any]]) -> int:
        """Do ``steps`` and those that they need, but those that are done; wait for those that another process is at.

        Returns:
            How many this process has done.

        Raises:
            StoppedError: a step was told to stop.
        """
        steps = with_needs(steps)
        waiting, count, did = self.left(steps), len({step.name for step in steps}), 0
        finished = count - len(waiting)
        while waiting:
            busy = []
            for step in waiting:
                if self.left(step.needs):
                    busy.append(step)
                    continue
                name = f"{step.name.replace('/', '.')}.{digest(step.settled)[:SHORT]}"
                with contextlib.ExitStack() as lock:
                    try:
                        lock.enter_context(durable.sole_writer(self._folder / LOCKS / name))
                    except BusyError:
                        busy.append(step)
                        continue
                    finished += 1
                    # another process may have done it meanwhile
                    if self.result(step) is None:
                        say(f"[{finished}/{count}] {step.name}", error=True)
                        self._do(step, self._folder / WORK / name)
                        did += 1
            if len(busy) == len(waiting):
                say(f"waiting for {counted(len(busy), 'step')} that another process is at", error=True)
                time.sleep(PAUSE_S)
            waiting = self.left(busy)
            finished = count - len(waiting)
        with contextlib.suppress(OSError):  # another process is at other steps there
            (self._folder / WORK).rmdir()
        return did

    def _do(self, step: Step[P], place: Path) -> None:
        begun = time.monotonic()
        place.mkdir(parents=True, exist_ok=True)
        result = step.make(place)
        kept = {
            "settled": digest(step.settled),
            "seconds": round(time.monotonic() - begun, 2),
            "result": result.model_dump(mode="json"),
        }
        self._file(step).parent.mkdir(parents=True, exist_ok=True)
        durable.write_text(self._file(step), json.dumps(kept))
        shutil.rmtree(place)

    def _file(self, step: Step[P]) -> Path:
        """The file of a result, which those of other settings or data lie beside."""
        return self._folder / RESULTS / f"{step.name}.{digest(step.settled)[:SHORT]}.json"


def digest(settled: Any) -> str:
    """A hash of everything that decides a result, and of the version that computes it."""
    return xxhash.xxh3_128_hexdigest(json.dumps([__version__, settled], sort_keys=True).encode())


def with_needs(steps: Sequence[Step[Any]]) -> list[Step[Any]]:
    """``steps``, each once and after those that it needs, which are among them."""
    found: dict[str, Step[Any]] = {}
    for step in steps:
        if step.name not in found:
            for each in (*with_needs(step.needs), step):
                found.setdefault(each.name, each)
    return list(found.values())
