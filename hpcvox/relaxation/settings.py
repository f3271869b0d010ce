"""Settings of ``hpcvox relax``."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hpcvox.calculators.by_name import DEFAULT_CELLS, check_name, checked_parameters
from hpcvox.config import Overwrite, Settings
from hpcvox.crystals.sources.cif_set import FORM, Form
from hpcvox.inputs import Input
from hpcvox.shared_settings import Actors, CifColumn, IdColumn, MaxSites


class Stage(Settings):
    """One relaxation with one calculator, which starts from the result of the stage before."""

    calculator: str = Field(
        description="chgnet or sevennet (universal potentials, extras of their names), gpaw (density-functional "
        "theory, extra gpaw), an ASE calculator by its name (emt, lj, vasp, espresso ...), or one of another package "
        "as package.module:Class, which runs code of that package (docs/relax.md)"
    )
    parameters: dict[str, Any] = Field(
        {},
        description="parameters of the calculator; for gpaw: xc, cutoff, k_density, smearing, spin, "
        "max_iterations, as in configs/dft.yaml; for others the parameters of their class",
    )
    fmax: float = Field(
        0.05,
        gt=0,
        description="eV/Å; converged where no force is above (and with cell=full no strain pulls harder)",
    )
    steps: int = Field(500, ge=0, description="most steps of the optimiser")
    cell: Literal["fixed", "volume", "full"] = Field(
        "full",
        description="fixed: sites alone move; volume: the size of the cell, too, by an equation of state through "
        "energies (gpaw's default); full: the whole cell, by stress (of gpaw from a cutoff of 700 eV "
        "on)",
    )

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        """Read ``chgnet`` as ``{calculator: chgnet}``, and set the calculator's default of ``cell``."""
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

    The table says how much each crystal has changed, which known crystal it is, and why one could not be relaxed.
    chgnet, sevennet and gpaw are extras (HPCVOX_EXTRAS="chgnet gpaw" make setup); without one of them, use
    another: stages=[chgnet].  Run it again and it goes on where it was.

    Examples:
      hpcvox relax source=my_cifs/ stages=[chgnet] known=my_crystals.csv
    """

    source: Annotated[Path, Input("`hpcvox generate` makes it")] = Field(
        Path("runs/generated/cifs"), description="crystals: whatever hpcvox featurize reads as source"
    )
    out: Path = Field(
        Path("runs/relaxed"),
        description="folder to write: relaxed.csv, cifs/, summary.json, and states/ (the progress of each crystal); "
        "use one folder for one list of stages; a run that stopped goes on there",
    )
    overwrite: Overwrite = False
    stages: list[Stage] = Field(
        [Stage(calculator="chgnet"), Stage(calculator="gpaw", cell="volume", steps=50)],
        min_length=1,
        description="calculators in their order; each starts from the result of the one before; a name alone takes "
        "the defaults: [chgnet]",
    )
    symprec: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Å; first give each crystal the symmetry that spglib finds within this tolerance, which it then "
        "keeps; 0: do not",
    )
    known: Annotated[Path | None, Input()] = Field(
        None,
        description="source of known crystals, among which each relaxed crystal is searched; null: do not",
    )
    formation_energy: str | None = Field(
        None,
        description="target of the source with predicted formation energies in eV/atom, to compare with those of "
        "the last stage; the structures of the elements are then relaxed, too; null: do not compare",
    )
    max_sites: MaxSites = 64
    limit: int = Field(
        0, ge=0, description="relax only this many inputs, from the start of the source; 0: all"
    )
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

    makes = ("relaxed.csv", "cifs", "cifs.zip", "states", "states.zip", "references.csv", "summary.json")

    def may_change(self) -> frozenset[str]:
        """See :class:`hpcvox.config.Settings`: those that do not decide what becomes of a crystal."""
        return frozenset(type(self).model_fields) - {"stages", "symprec"}
