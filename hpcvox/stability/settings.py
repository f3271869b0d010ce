"""Settings of ``hpcvox hull``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from hpcvox.config import Settings
from hpcvox.inputs import Input


class HullSettings(Settings):
    """hpcvox hull: energy of relaxed crystals above the convex hull of known ones, by each potential; which are stable.

    Known ones are those of a table that comes with hpcvox (chgnet), or your own; docs/stability.md says how
    one is made.  With known=, it also counts which crystals are new: S.U.N. and MSUN.

    Examples:
      hpcvox hull relaxed=runs/relaxed
      hpcvox hull relaxed=runs/relaxed references=runs/my_known/relaxed.csv known='[my_crystals.csv]'
    """

    relaxed: Annotated[Path, Input("`hpcvox relax` makes it")] = Field(
        Path("runs/relaxed"), description="folder of `hpcvox relax`: its table and crystals are read"
    )
    out: Path = Field(Path("runs/hull"), description="folder for hull.csv and summary.json")
    references: Annotated[Path | None, Input()] = Field(
        None,
        description="known phases: a CSV with a column formula and total energies in eV/atom by the potentials of "
        "the relaxation, in columns as chgnet_energy (a relaxed.csv is one), elements among them; null: the "
        "table that comes with hpcvox",
    )
    calculators: list[str] | None = Field(
        None,
        description="calculators of the relaxation whose energies go on a hull; null: every one that the references "
        "have energies by",
    )
    stable: float = Field(0.0, ge=0, description="eV/atom above the hull that a stable crystal has at most")
    metastable: float = Field(
        0.1, ge=0, description="eV/atom above the hull that a metastable crystal has at most"
    )
    known: Annotated[list[Path], Input()] = Field(
        [],
        description="sources of known crystals, those of the training among them; a crystal that matches none of "
        "them is new (novel)",
    )
    entries: bool = Field(
        False,
        description="write entries.jsonl, too: each placed crystal as a ComputedStructureEntry of pymatgen, for "
        "hulls by other programs",
    )
    drawn: int | None = Field(
        None,
        ge=1,
        description="how many candidates were drawn, of which fractions are told; null: the crystals given to "
        "relax",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "HullSettings":
        if self.metastable < self.stable:
            raise ValueError(f"metastable={self.metastable:g} is below stable={self.stable:g}")
        return self
