"""Calculators of other packages that go by a name: entry points of the group ``hpcvox.calculators``."""

from typing import Final

from hpcvox.registry import places

GROUP: Final = "hpcvox.calculators"
"""An entry point of it names a subclass of ASE's Calculator, as ``package.module:Class``."""


def others() -> dict[str, str]:
    """Where the calculators of other packages are, by their names; those of hpcvox and of ASE keep theirs."""
    from ase.calculators.names import names

    return {name: place for name, place in places(GROUP).items() if name not in ("chgnet", *names)}


def place_of(name: str) -> str:
    """``package.module:Class`` where another package has named it; the name itself, else."""
    return name if ":" in name else others().get(name, name)
