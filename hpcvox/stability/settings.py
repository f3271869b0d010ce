"""Settings of ``hpcvox hull``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from hpcvox.config import Overwrite, Settings
from hpcvox.inputs import Input


class HullSettings(Settings):
    """hpcvox hull: how far relaxed crystals are above the convex hull of known phases, and which are stable.

    Each potential of the relaxation has a hull of its own.  The known phases are those of the table that comes with
    hpcvox (chgnet, sevennet), or of yours; docs/stability.md says how to make one.  With known=, crystals that are
    stable, unique and new are counted, too: S.U.N. and MSUN.  Every run places all crystals anew.

    Examples:
      hpcvox hull relaxed=runs/relaxed
      hpcvox hull relaxed=runs/relaxed references=runs/my_known/relaxed.csv known='[my_crystals.csv]'
    """

    relaxed: Annotated[Path, Input("`hpcvox relax` makes it")] = Field(
        Path("runs/relaxed"), description="folder of `hpcvox relax`: its table and crystals are read"
    )
    out: Path = Field(Path("runs/hull"), description="folder for hull.csv and summary.json")
    overwrite: Overwrite = False
    references: Annotated[Path | None, Input()] = Field(
        None,
        description="known phases, the elements among them: a CSV with a column formula and, for each potential of the "
        "relaxation, a column of total energies in eV/atom, named as chgnet_energy (a relaxed.csv of hpcvox relax is "
        "such a table); null: the table that comes with hpcvox",
    )
    calculators: list[str] | None = Field(
        None,
        description="calculators of the relaxation whose energies are put on a hull; null: all that the references "
        "have energies by",
    )
    stable: float = Field(
        0.0, ge=0, description="a crystal that is at most this many eV/atom above the hull is stable"
    )
    metastable: float = Field(
        0.1, ge=0, description="a crystal that is at most this many eV/atom above the hull is metastable"
    )
    known: Annotated[list[Path], Input()] = Field(
        [],
        description="sources of known crystals, those that the network was trained on among them; a crystal that "
        "matches none of them is new (novel)",
    )
    entries: bool = Field(
        False,
        description="also write entries_chgnet.jsonl, a file for each potential: each placed crystal as a "
        "ComputedStructureEntry of pymatgen, for hulls by other programs",
    )
    drawn: int | None = Field(
        None,
        ge=1,
        description="how many candidates were drawn: counts are also told as fractions of them; null: as many as "
        "relax was given",
    )

    actors: int = Field(
        0,
        ge=0,
        description="processes, if there are more than 1,000 crystals; 0: one for each CPU (of the allocation or the "
        "Ray cluster)",
    )

    makes = ("hull.csv", "entries_*.jsonl", "summary.json")

    def may_change(self) -> frozenset[str]:
        """See :class:`hpcvox.config.Settings`: those that change no row."""
        return frozenset({"actors"})

    @model_validator(mode="after")
    def _ordered(self) -> "HullSettings":
        if self.metastable < self.stable:
            raise ValueError(f"metastable={self.metastable:g} is below stable={self.stable:g}")
        return self
