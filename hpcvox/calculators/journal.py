"""Saves each evaluation of a calculator on disk, so that an interrupted stage can be replayed and goes on.

Optimisers are deterministic: with the same energies and forces they take the same path.  So their state need not be
saved.
"""

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

from hpcvox.calculators.by_name import CalculatorProcess, Request
from hpcvox.errors import Rejected
from hpcvox.process import gain

VOLUMES = (0.2, 10.0)
"""Least and greatest volume of a relaxation, relative to the first geometry; beyond these the crystal has collapsed or
fallen apart.  A crystal that a network has made too small may well grow fourfold."""


class Journaled(Calculator):
    """The calculator of the optimiser: it answers from the journal, or else asks the process and saves the answer."""

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012 # as ASE has it

    def __init__(self, process: CalculatorProcess, request: Request, path: Path, ends: float) -> None:
        """Read the journal at ``path``, if there is one.

        Args:
            process: the process of the calculator.
            request: the request without the geometry.
            path: the journal.
            ends: when the time is up, on the monotonic clock.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._process, self._request, self._path, self._ends = process, request, path, ends
        self._known = _read(path)
        self._first_volume = 0.0
        self.evaluations = 0
        """Number of evaluations, including those from the journal."""

    def calculate(
        self, atoms: Atoms | None = None, properties: Any = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Compute energy, forces and, if requested, stress of ``atoms``.

        Raises:
            Rejected: with the codes of :meth:`CalculatorProcess.ask`; ``failed``, with the calculator's own message;
                ``not-finite``; ``cell-lost``.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        assert atoms is not None
        volume = float(atoms.cell.volume)
        self._first_volume = self._first_volume or volume
        if not VOLUMES[0] < volume / self._first_volume < VOLUMES[1]:
            raise Rejected(
                "cell-lost",
                f"the cell's volume went from {self._first_volume:.1f} to {volume:.1f} Å^3: the crystal does not hold",
            )
        cell, positions = atoms.cell.array, atoms.positions
        if not (np.isfinite(cell).all() and np.isfinite(positions).all()):
            raise Rejected("not-finite", "the optimiser has moved atoms to coordinates that are not finite")
        key = xxhash.xxh3_128_hexdigest(np.ascontiguousarray([*cell, *positions]).tobytes())
        found = self._known.get(key)
        if found is None:
            found = self._asked(key, cell, positions)
        self.evaluations += 1
        self.results = {name: np.array(value) if name != "energy" else value for name, value in found.items()}

    def _asked(self, key: str, cell: NDArray[np.float64], positions: NDArray[np.float64]) -> dict[str, Any]:
        geometry = Request(cell=cell.tolist(), positions=positions.tolist())
        answer = self._process.ask({**self._request, **geometry}, self._ends - time.monotonic())
        if "error" in answer:
            raise Rejected("failed", answer["error"])
        if not all(np.isfinite(value).all() for value in answer.values()):
            raise Rejected("not-finite", f"the calculator's {' and '.join(answer)} are not all numbers")
        with self._path.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps({"key": key, **answer}) + "\n")
        gain.gained()
        self._known[key] = answer
        return answer


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The evaluations of a journal by geometry; a last line that was cut off is removed."""
    known = {}
    whole = b""
    with contextlib.suppress(FileNotFoundError):
        text = path.read_bytes()
        for line in text.splitlines(keepends=True):
            try:
                answer = json.loads(line)
                known[answer.pop("key")] = answer
            except (ValueError, KeyError, AttributeError):
                break
            whole += line
        if len(whole) < len(text):
            with path.open("r+b") as journal:
                journal.truncate(len(whole))
    return known
