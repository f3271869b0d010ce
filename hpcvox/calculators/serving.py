"""Runs calculators in a separate process, as ``python -m hpcvox.calculators.serving``; no module imports it."""

import importlib
import json
import traceback
from typing import Any

from hpcvox.calculators.answering import answer
from hpcvox.calculators.outside import OURS, place_of


def main() -> None:
    """Answer requests (see :class:`hpcvox.calculators.by_name.Request`)."""
    makers = Makers()

    def answered(request: dict[str, Any]) -> dict[str, Any]:
        try:
            return _computed(request, makers)
        except NoCalculatorError as error:
            return {"error": str(error), "no_calculator": True}
        except Exception as error:
            traceback.print_exc()
            words = " ".join(str(error).split())[:500]
            return {"error": f"{type(error).__name__}: {words}" if words else type(error).__name__}

    answer(answered)


class NoCalculatorError(Exception):
    """The object with this name is no calculator."""


class Makers:
    """Makes calculators.  One that loads a model is made only once, since it remembers nothing of earlier crystals.

    Others are made anew for each geometry.  They keep neighbour lists or wave functions, so that the last digits of
    results would depend on whether a run was interrupted.
    """

    def __init__(self) -> None:
        self._kept: tuple[str, Any] | None = None

    def make(self, name: str, parameters: dict[str, Any]) -> Any:
        """Make an ASE calculator."""
        name = place_of(name)
        if name not in OURS and ":" not in name:
            from ase.calculators.calculator import get_calculator_class

            return get_calculator_class(name)(**parameters)
        key = json.dumps([name, parameters], sort_keys=True)
        if self._kept is None or self._kept[0] != key:
            make = _potential if name in OURS else _of_path
            self._kept = (key, make(name)(**parameters))
        return self._kept[1]


def _potential(name: str) -> Any:
    """What makes the calculator of a universal potential; the module of its name has it."""
    return importlib.import_module(f"hpcvox.calculators.{name}").calculator


def _of_path(name: str) -> Any:
    """Import the class that ``module:Class`` names; it is not called before it is known to be a calculator.

    Raises:
        NoCalculatorError: there is no such class, or it is no subclass of ASE's Calculator.
    """
    from ase.calculators.calculator import BaseCalculator

    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        words = " ".join(str(error).split())[:500]
        raise NoCalculatorError(f"{name} cannot be found: {words}") from None
    if not (issubclass(type(found), type) and issubclass(found, BaseCalculator)):
        raise NoCalculatorError(
            f"{name} is no calculator and was not called: it must be a subclass of ASE's Calculator, "
            f"but is {_kind(found)}"
        )
    return found


def _kind(found: Any) -> str:
    return "another class" if issubclass(type(found), type) else f"a {type(found).__name__}"


def _computed(request: dict[str, Any], makers: Makers) -> dict[str, Any]:
    from ase import Atoms

    calculator = makers.make(request["calculator"], request["parameters"])
    if "numbers" not in request:
        return {"properties": list(calculator.implemented_properties)}
    atoms = Atoms(
        numbers=request["numbers"],
        cell=request["cell"],
        positions=request["positions"],
        magmoms=request["moments"] or None,
        pbc=True,
    )
    atoms.calc = calculator
    found: dict[str, Any] = {"energy": float(atoms.get_potential_energy())}
    if "forces" in request["properties"]:
        found["forces"] = atoms.get_forces().tolist()  # (n, 3)
    if "stress" in request["properties"]:
        found["stress"] = atoms.get_stress().tolist()  # (6,), Voigt
    return found


if __name__ == "__main__":
    main()
