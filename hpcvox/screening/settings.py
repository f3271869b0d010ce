"""Settings of ``hpcvox screen``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hpcvox.config import Overwrite, Settings
from hpcvox.crystals.sources.cif_set import FORM, Form
from hpcvox.inputs import Input
from hpcvox.shared_settings import Actors, CifColumn, IdColumn, MaxSites
from hpcvox.training.folder.shipped import trained_by


class ScreenSettings(Settings):
    """hpcvox screen: predict properties of crystals by trained networks (CGCNN), and choose crystals by them.

    Run it again and it goes on where it was; with another where or rank, nothing is predicted again.

    Examples:
      hpcvox screen models='[runs/energy, runs/gap]' where='formation_energy < -0.5 and 1.0 < band_gap < 3.0'
      hpcvox screen models='[runs/gap_0, runs/gap_1, runs/gap_2]' where='band_gap - 2 * band_gap_std > 1' rank=band_gap
      sbatch slurm/screen.sh source=crystals.csv
    """

    source: Annotated[Path, Input("`hpcvox generate` makes it")] = Field(
        Path("runs/generated/cifs"), description="crystals: whatever hpcvox featurize reads as source"
    )
    models: Annotated[list[Path], trained_by("train-cgcnn")] = Field(
        [Path("runs/cgcnn")],
        min_length=1,
        description="run folders of train-cgcnn; several of the same target (trained with other seeds) form an "
        "ensemble: the column of the target has their mean, the column _std their sample standard deviation, both in "
        "the target's unit",
    )
    where: str | None = Field(
        None,
        description="what a crystal must fulfil, as 1.0 < band_gap < 3.0: numbers, columns, + - * / ( ), < <= > "
        ">= == !=, and, or, not; columns are the targets, their _std (of ensembles), n_sites, "
        "n_elements, volume (Å³, of the cell), density (g/cm³), energy_above_hull (with references); "
        "in a column's name write _ for characters that are no letters or digits; a comparison with an "
        "unknown value is false, also !=; null: every crystal passes",
    )
    rank: str | None = Field(
        None,
        description="column by which the passing crystals are sorted, unknown values last; null: as in the source",
    )
    descending: bool = Field(False, description="sort from the highest value of rank to the lowest")
    out: Path = Field(
        Path("runs/screened"),
        description="folder for properties.csv, screened.csv, cifs/, rejects.csv and summary.json",
    )
    overwrite: Overwrite = False
    band_gap: str = Field("band_gap", description="the target that is a band gap")
    metal_gap: float = Field(
        0.0,
        ge=0,
        description="a crystal with a predicted gap of at most this, in the target's unit, is a metal; its gap becomes "
        "0",
    )
    insulator_targets: list[str] = Field(
        ["refractive_index", "dielectric_constant"],
        description="targets that have no value for a metal (Court et al. 2020)",
    )
    references: Annotated[Path | None, Input()] = Field(
        None,
        description="known phases, whose hull energy_above_hull (eV/atom; negative below it) refers to: a CSV of "
        "formulas and formation energies, or a source of crystals with such energies (eV/atom); "
        "elements may be missing, their energy is 0; null: no such column",
    )
    reference_formula: str = Field("formula", description="column of formulas in a CSV of references")
    reference_energy: str = Field(
        "formation_energy", description="column of formation energies per atom of the references"
    )
    formation_energy: str = Field(
        "formation_energy",
        description="the target that is a formation energy in eV/atom, for energy_above_hull",
    )
    max_sites: MaxSites = 500
    id_column: IdColumn = "auto"
    cif_column: CifColumn = "cif"
    actors: Actors = 0
    crystals: Form = Field("folder", description=FORM)

    makes = ("properties.csv", "screened.csv", "cifs", "cifs.zip", "rejects.csv", "summary.json", "parts")

    def may_change(self) -> frozenset[str]:
        """See :class:`hpcvox.config.Settings`: what decides no property goes on from what was predicted before."""
        return frozenset({"where", "rank", "descending", "actors", "crystals"})
