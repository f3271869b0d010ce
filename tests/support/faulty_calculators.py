"""Calculators of ASE that fail as real ones do, for ``calculator: tests.support.faulty_calculators:Faulty``."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from ase import Atoms
from ase.calculators.emt import EMT


def function(*_: object, **__: object) -> None:
    """Is no calculator; where it is called, there is a file."""
    Path(os.environ["CALLED"]).touch()


class Other:
    """Is no calculator."""

    __init__ = function


class Faulty(EMT):
    """EMT; but silver ends its process, gold hangs and platinum is not a number."""

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = (),
    ) -> None:
        assert atoms is not None
        symbols = set(atoms.symbols)
        if "Ag" in symbols:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "Au" in symbols:
            time.sleep(600)
        EMT.calculate(self, atoms, properties, system_changes)
        if "Pt" in symbols:
            self.results["forces"][:] = float("nan")
