"""Settings of ``hpcvox screen``."""

from pathlib import Path

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import FORM, Form

FREE = ("where", "rank", "descending", "actors", "crystals")
"""The settings that decide no property: a run with others goes on from what was predicted before."""


class ScreenSettings(Settings):
    """``screen``: properties of crystals by CGCNN, and those that have the wanted ones."""

    source: Path = Field(
        Path("runs/generated/cifs"), description="crystals: whatever hpcvox featurize reads as source"
    )
    models: list[Path] = Field(
        [Path("runs/cgcnn")],
        min_length=1,
        description="run folders of train-cgcnn; several of one target are an ensemble",
    )
    where: str | None = Field(
        None, description="what a crystal must fulfil, such as 1.0 < band_gap < 3.0; null: nothing"
    )
    rank: str | None = Field(
        None, description="column by which those that pass are sorted; null: as in the source"
    )
    descending: bool = Field(False, description="sort from the highest value of rank to the lowest")
    out: Path = Field(
        Path("runs/screened"), description="folder for properties.csv, screened.csv, cifs/, summary.json"
    )
    band_gap: str = Field("band_gap", description="the target that is a band gap")
    metal_gap: float = Field(
        0.0, ge=0, description="a predicted gap of at most this is that of a metal, and becomes 0"
    )
    insulator_targets: list[str] = Field(
        ["refractive_index", "dielectric_constant"], description="targets that a metal has no value of"
    )
    references: Path | None = Field(
        None,
        description="phases for energy_above_hull: a CSV, or crystals with energies; null: no such column",
    )
    reference_formula: str = Field("formula", description="column of formulas in a CSV of references")
    reference_energy: str = Field(
        "formation_energy", description="column of formation energies per atom of the references"
    )
    formation_energy: str = Field(
        "formation_energy",
        description="the target that is a formation energy per atom, for energy_above_hull",
    )
    max_sites: int = Field(500, ge=1, le=10_000, description="reject cells with more atoms")
    id_column: str = Field("auto", description="column or field of identifiers; auto: the first likely one")
    cif_column: str = Field("cif", description="column of CIF texts")
    actors: int = Field(0, ge=0, description="processes that work in parallel; 0: one a CPU")
    crystals: Form = Field("folder", description=FORM)
