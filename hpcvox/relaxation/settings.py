"""Settings of ``hpcvox relax``."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from hpcvox.calculators.by_name import DEFAULT_CELLS, check_name, checked_parameters
from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import FORM, Form

FREE = ("source", "out", "known", "formation_energy", "actors", "limit", "timeout_s", "max_sites",
        "id_column", "cif_column", "crystals")  # fmt: skip
"""The settings that do not decide what becomes of a crystal."""


class Stage(Settings):
    """One relaxation by one calculator; it starts from where the stage before ended."""

    calculator: str = Field(
        description="chgnet, gpaw, the name of an ASE calculator (emt, lj, vasp ...) or package.module:Class"
    )
    parameters: dict[str, Any] = Field({}, description="what the calculator is made with")
    fmax: float = Field(0.05, gt=0, description="eV/Å; converged where no force is above")
    steps: int = Field(500, ge=0, description="of the optimiser, at most")
    cell: Literal["fixed", "volume", "full"] = Field(
        "full",
        description="fixed: sites alone; volume: its size, too, by an equation of state; full: all of it, by stress",
    )

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """``chgnet`` stands for ``{calculator: chgnet}``; and what moves of the cell depends on the calculator."""
        tree = {"calculator": given} if isinstance(given, str) else given
        name = tree.get("calculator") if isinstance(tree, dict) else None
        if isinstance(name, str) and name in DEFAULT_CELLS:
            return {"cell": DEFAULT_CELLS[name], **tree}
        return tree

    @field_validator("calculator")
    @classmethod
    def _known(cls, name: str) -> str:
        check_name(name)
        return name

    @model_validator(mode="after")
    def _possible(self) -> "Stage":
        checked_parameters(self.calculator, self.parameters, self.cell)
        return self


class RelaxSettings(Settings):
    """What ``hpcvox relax`` is told."""

    source: Path = Field(
        Path("runs/generated/cifs"), description="crystals: whatever hpcvox featurize reads as source"
    )
    out: Path = Field(Path("runs/relaxed"), description="folder to write; a run that stopped goes on there")
    stages: list[Stage] = Field(
        [Stage(calculator="chgnet"), Stage(calculator="gpaw", cell="volume", steps=50)],
        min_length=1,
        description="calculators in their order; each starts from the crystal that the one before has left",
    )
    symprec: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Å; each crystal first gets the symmetry that spglib finds within so much, and keeps it; 0: none",
    )
    known: Path | None = Field(
        None, description="a source of known crystals: which of them is each relaxed one? null: not asked"
    )
    formation_energy: str | None = Field(
        None,
        description="the source's target with predicted formation energies in eV/atom, to compare; the elements' "
        "structures are then relaxed, too; null: not asked",
    )
    max_sites: int = Field(64, ge=1, le=10_000, description="refuse cells with more atoms")
    limit: int = Field(0, ge=0, description="inputs to relax, the first of the source; 0: all")
    timeout_s: float = Field(14400.0, gt=0, description="seconds that a crystal may take")
    actors: int = Field(0, ge=0, description="crystals in work at a time, one CPU each; 0: one a CPU")
    crystals: Form = Field("folder", description=FORM)
    id_column: str = Field("auto", description="column or field of identifiers; auto: the first likely one")
    cif_column: str = Field("cif", description="column of CIF texts")
