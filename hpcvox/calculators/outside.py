"""Calculators of other packages, which register names by entry points of the group ``hpcvox.calculators``."""

from typing import Final

from hpcvox.registry import places

GROUP: Final = "hpcvox.calculators"
"""The group; its entry points name subclasses of ASE's Calculator, as ``package.module:Class``."""


OURS: Final = ("chgnet", "sevennet")
"""Universal potentials that go by a name here."""


def others() -> dict[str, str]:
    """The places of other packages' calculators, by name; names of hpcvox and of ASE take precedence."""
    from ase.calculators.names import names

    return {name: place for name, place in places(GROUP).items() if name not in (*OURS, *names)}


def place_of(name: str) -> str:
    """``package.module:Class`` if another package has registered the name; else the name itself."""
    return name if ":" in name else others().get(name, name)
