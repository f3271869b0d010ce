"""The work of one actor: it relaxes the crystals of an entry through all stages, and saves the end of each stage."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import xxhash
from ase import Atoms

from hpcvox.actors.campaign import Part
from hpcvox.calculators.by_name import CalculatorProcess, Request, made_with, moments, version
from hpcvox.calculators.journal import Journaled
from hpcvox.crystals.checks import refuse_many_sites
from hpcvox.crystals.names import plain
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.cif_set import CifSet, Form
from hpcvox.errors import HpcvoxError, Rejected
from hpcvox.files import durable
from hpcvox.relaxation.settings import RelaxSettings, Stage
from hpcvox.relaxation.stage import Moved, moved
from hpcvox.relaxation.symmetry import symmetric

STATES: Final = "states"
SCRATCH: Final = ".scratch"

RECIPE: Final = 2
"""Version of the computation.  Increase it when a change alters the results of the same crystal and settings; then
earlier results are computed again."""

PASSING: Final = ("killed",)
"""Codes of rejects that may succeed in the next run."""

REFERENCE: Final = "reference"
"""Origin of the elements' structures.  A molecule among them is relaxed in its box, whose volume does not change."""

Given = Entry | Crystal

State = dict[str, Any]
"""The state of a crystal: ``{"id", "stages": [...], "code", "message", "timeout_s"}``.  The last three keys exist if it
ended without a result; each stage has the fields of :class:`hpcvox.relaxation.stage.Moved`."""


class Result(NamedTuple):
    """The result of a crystal; ``code`` is empty if it has passed all stages."""

    id: str
    origin: str
    code: str
    message: str
    crystal: Crystal | None = None  # as given
    stages: tuple[Moved, ...] = ()  # results of the finished stages
    kept: bool = False  # whether an earlier run had computed it


class RelaxWorker:
    """Relaxes one crystal after the other, with a process for each calculator."""

    def __init__(self, settings: RelaxSettings) -> None:
        self._settings = settings
        self._packed = states(settings.out)
        self._versions = [version(stage.calculator) for stage in settings.stages]
        self._processes = [CalculatorProcess(settings.out / SCRATCH) for _ in settings.stages]

    def __call__(self, part: Part[Given]) -> list[Result]:
        """Relax the crystals of an entry, or a given crystal.

        Raises:
            HpcvoxError: a file cannot be written.
        """
        (given,) = part.items
        if part.fatal:  # the next run tries it again
            return [Result(plain(given.id), plain(given.origin), "worker-died", part.fatal[0])]
        return [self._relaxed(one) if isinstance(one, Crystal) else one for one in _crystals(given)]

    def found(self, part: Part[Given]) -> list[Result] | None:
        """The results of a part if all of its crystals are done; else None."""
        (given,) = part.items
        results = [self._over(one) if isinstance(one, Crystal) else one for one in _crystals(given)]
        known = [result for result in results if result is not None]
        return known if len(known) == len(results) else None

    def _over(self, crystal: Crystal) -> Result | None:
        """The result of a crystal if it is done; else None."""
        try:
            refuse_many_sites(crystal, self._settings.max_sites)
        except Rejected as reason:
            return Result(crystal.id, crystal.origin, reason.code, str(reason))
        state = self._state(crystal)
        return _result(crystal, state, self._settings.stages, kept=True) if self._final(state) else None

    def _state(self, crystal: Crystal) -> State:
        """The state of a crystal after earlier runs."""
        path = self._settings.out / STATES / f"{self._key(crystal)}.json"
        for read in (path.read_bytes, partial(self._packed.packed, path.name)):
            if (state := _known(read, len(self._settings.stages))) is not None:
                return state
        return {"id": crystal.id, "stages": []}

    def _relaxed(self, crystal: Crystal) -> Result:
        if (over := self._over(crystal)) is not None:
            return over
        key, state = self._key(crystal), self._state(crystal)
        path = self._settings.out / STATES / f"{key}.json"
        state = {"id": state["id"], "stages": state["stages"]}
        ends = time.monotonic() + self._settings.timeout_s
        for number in range(len(state["stages"]), len(self._settings.stages)):
            journal = path.with_name(f"{key}.{number}.jsonl")
            try:
                state["stages"].append(_plain(self._stage(number, crystal, state, journal, ends)))
            except Rejected as reason:
                self._note(state, number, reason)
                if reason.code not in PASSING:
                    _write(path, state)
                return _result(crystal, state, self._settings.stages)
            except OSError as error:
                raise HpcvoxError(
                    f"{journal}: cannot write the file: {error.strerror}; run the job again to go on"
                ) from None
            _write(path, state)
            journal.unlink(missing_ok=True)
        return _result(crystal, state, self._settings.stages)

    def _final(self, state: State) -> bool:
        """Whether the crystal is done."""
        if state.get("code") == "timeout":
            return bool(state["timeout_s"] >= self._settings.timeout_s)
        return "code" in state or len(state["stages"]) == len(self._settings.stages)

    def _note(self, state: State, number: int, reason: Rejected) -> None:
        limit = self._settings.timeout_s
        said = f"it took longer than timeout_s={limit:g} seconds" if reason.code == "timeout" else str(reason)
        words = f"{self._settings.stages[number].calculator}: {plain(said)}"
        state |= {"code": reason.code, "message": words, "timeout_s": limit}

    def _stage(self, number: int, crystal: Crystal, state: State, journal: Path, ends: float) -> Moved:
        stage = self._settings.stages[number]
        if state["stages"]:
            last = state["stages"][-1]
            crystal = replace(crystal, lattice=np.array(last["lattice"]), frac=np.array(last["frac"]))
        elif self._settings.symprec and crystal.origin != REFERENCE:
            crystal = symmetric(crystal, self._settings.symprec)
        cell = "fixed" if (crystal.origin == REFERENCE and crystal.id.endswith("-molecule")) else stage.cell
        atoms = Atoms(
            crystal.numbers, cell=crystal.lattice, positions=crystal.frac @ crystal.lattice, pbc=True
        )
        request = Request(
            calculator=stage.calculator,
            parameters=made_with(stage.calculator, stage.parameters, cell, crystal),
            numbers=crystal.numbers.tolist(),
            moments=moments(stage.calculator, stage.parameters, crystal),
            properties=["energy", "forces", *(["stress"] if cell == "full" else [])],
        )
        with _closed_unless_well(self._processes[number]) as process:
            calculator = Journaled(process, request, journal, ends)
            return moved(atoms, calculator, cell, stage.fmax, stage.steps)

    def _key(self, crystal: Crystal) -> str:
        """XXH3-128 (hex) of everything that determines the result of the crystal, and of its id."""
        stages: list[Any] = [stage.model_dump(mode="json") for stage in self._settings.stages]
        if self._settings.symprec and crystal.origin != REFERENCE:
            stages.append(self._settings.symprec)
        place = [
            *(crystal.id, crystal.origin == REFERENCE),
            *(crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist()),
        ]
        return xxhash.xxh3_128_hexdigest(json.dumps([RECIPE, self._versions, stages, place]).encode())


@contextlib.contextmanager
def _closed_unless_well(process: CalculatorProcess) -> Iterator[CalculatorProcess]:
    """A context that ends the process after an error, so that the next crystal gets a new one."""
    try:
        yield process
    except BaseException:
        process.close()
        raise


def _plain(stage: Moved) -> dict[str, Any]:
    return {**stage._asdict(), "lattice": stage.lattice.tolist(), "frac": stage.frac.tolist()}


def states(out: Path) -> CifSet:
    """The states of all crystals: a zip holds those that an earlier run has packed, the folder holds newer ones."""
    return CifSet(out / STATES, ".json")


def pack_states(out: Path, form: Form) -> None:
    """Bring the states of all crystals to this form."""
    kept = states(out)
    if form == "folder" and kept.place == kept.folder:
        return
    loose = kept.loose()
    with kept.replaced(form) as add:
        for name in sorted(loose | set(kept.names())):
            try:
                text = (kept.folder / name).read_bytes() if name in loose else kept.packed(name)
            except OSError:  # states that are lost in a damaged zip are computed again
                continue
            add(name, text)


def _known(read: Callable[[], bytes], stages: int) -> State | None:
    """The state that an earlier run has saved; None if it is missing or damaged."""
    try:
        state: State = json.loads(read())
        if len(state["stages"]) > stages:
            return None
        for stage in state["stages"]:
            if stage.keys() != set(Moved._fields):
                return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return state


def _write(path: Path, state: State) -> None:
    try:
        durable.write_text(path, json.dumps(state) + "\n")
    except OSError as error:
        raise HpcvoxError(
            f"{path}: cannot write the file: {error.strerror}; run the job again to go on"
        ) from None


def _crystals(given: Given) -> list[Crystal | Result]:
    """The crystals of an entry (or the given crystal), and results for its rejects."""
    if isinstance(given, Crystal):
        return [given]
    entry = given._replace(id=plain(given.id), origin=plain(given.origin))
    return [one if isinstance(one, Crystal) else Result(*one) for one in parse(entry)]


def _result(crystal: Crystal, state: State, stages: list[Stage], kept: bool = False) -> Result:
    ended = tuple(
        Moved(**{**stage, "lattice": np.array(stage["lattice"]), "frac": np.array(stage["frac"])})
        for stage in state["stages"]
    )
    code, message = state.get("code", ""), state.get("message", "")
    if not code and not ended[-1].converged:
        last = stages[-1]
        code = "not-converged"
        message = (
            f"{last.calculator}: not converged within {last.steps} steps, the largest force is "
            f"{ended[-1].max_force:.4f} eV/Å (fmax={last.fmax:g}); it is written as it is"
        )
    return Result(crystal.id, crystal.origin, code, message, crystal, ended, kept)
