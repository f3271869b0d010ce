"""Calculators of ASE that fail as real ones do, for ``calculator: tests.support.faulty_calculators:Faulty``."""

import os
import signal
import time

from ase.calculators.emt import EMT


class Faulty(EMT):
    """EMT; but silver ends its process, gold hangs and platinum is not a number."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        symbols = set(atoms.symbols)
        if "Ag" in symbols:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "Au" in symbols:
            time.sleep(600)
        super().calculate(atoms, properties, system_changes)
        if "Pt" in symbols:
            self.results["forces"][:] = float("nan")
