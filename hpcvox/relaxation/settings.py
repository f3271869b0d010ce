"""Settings of ``hpcvox relax``."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hpcvox.calculators.by_name import DEFAULT_CELLS, check_name, checked_parameters
from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import FORM, Form
from hpcvox.inputs import Input
from hpcvox.shared_settings import Actors, CifColumn, IdColumn, MaxSites

FREE = ("source", "out", "known", "formation_energy", "actors", "limit", "timeout_s", "max_sites",
        "id_column", "cif_column", "crystals")  # fmt: skip
"""The settings that do not decide what becomes of a crystal."""


class Stage(Settings):
    """One relaxation by one calculator; it starts from where the stage before ended."""

    calculator: str = Field(
        description="chgnet (a universal potential, extra chgnet), gpaw (density-functional theory, extra gpaw), "
        "an ASE calculator by its name (emt, lj, vasp, espresso ...), or one of another package as "
        "package.module:Class, which runs code of that package (docs/relax.md)"
    )
    parameters: dict[str, Any] = Field(
        {},
        description="what the calculator is made with; of gpaw: xc, cutoff, k_density, smearing, spin, "
        "max_iterations, as in configs/dft.yaml; of others, whatever they take",
    )
    fmax: float = Field(
        0.05,
        gt=0,
        description="eV/Å; converged where no force is above (and with cell=full no strain pulls harder)",
    )
    steps: int = Field(500, ge=0, description="of the optimiser, at most")
    cell: Literal["fixed", "volume", "full"] = Field(
        "full",
        description="fixed: sites alone move; volume: the size of the cell, too, by an equation of state through "
        "energies (gpaw's default); full: the whole cell, by stress (of gpaw from a cutoff of 700 eV "
        "on)",
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
    """hpcvox relax: crystals → relaxed crystals, through stages of calculators.

    It tells how far each has moved, what it is among known ones, and why one could not be relaxed.  chgnet and gpaw
    are extras (HPCVOX_EXTRAS="chgnet gpaw" make setup); without one of them, take the other: stages=[chgnet].  Run it
    again and it goes on where it was.

    Examples:
      hpcvox relax source=my_cifs/ stages=[chgnet] known=my_crystals.csv
    """

    source: Annotated[Path, Input("`hpcvox generate` makes it")] = Field(
        Path("runs/generated/cifs"), description="crystals: whatever hpcvox featurize reads as source"
    )
    out: Path = Field(
        Path("runs/relaxed"),
        description="folder to write: relaxed.csv, cifs/, summary.json, and states/ of what is done; it takes one "
        "list of stages, and a run that stopped goes on there",
    )
    stages: list[Stage] = Field(
        [Stage(calculator="chgnet"), Stage(calculator="gpaw", cell="volume", steps=50)],
        min_length=1,
        description="calculators in their order; each starts from the crystal that the one before has left; a "
        "name stands for the defaults: [chgnet]",
    )
    symprec: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Å; each crystal first gets the symmetry that spglib finds within so much, and keeps it; 0: none",
    )
    known: Annotated[Path | None, Input()] = Field(
        None, description="a source of known crystals: which of them is each relaxed one? null: not asked"
    )
    formation_energy: str | None = Field(
        None,
        description="the source's target with predicted formation energies in eV/atom, to compare with those of "
        "the last stage; the elements' structures are then relaxed, too; null: not asked",
    )
    max_sites: MaxSites = 64
    limit: int = Field(0, ge=0, description="inputs to relax, the first of the source; 0: all")
    timeout_s: float = Field(
        14400.0,
        gt=0,
        description="seconds that a crystal may take, all stages together; with more time those that took longer "
        "go on",
    )
    actors: Actors = 0
    crystals: Form = Field("folder", description=FORM)
    id_column: IdColumn = "auto"
    cif_column: CifColumn = "cif"
