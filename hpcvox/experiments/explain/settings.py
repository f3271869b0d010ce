"""Settings of ``hpcvox explain``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from hpcvox.config import Overwrite, Settings
from hpcvox.inputs import Input
from hpcvox.shared_settings import CifColumn, IdColumn
from hpcvox.training.folder.shipped import trained_by

Layer = Annotated[int, Field(ge=1)]
Format = Literal["png", "svg", "pdf"]


class ExplainSettings(Settings):
    """hpcvox explain: show what a fingerprint network looks at when it names the class of a crystal.

    For each crystal a picture of its fingerprint and, beside it, of what the most active filters of some layers respond
    to: the attentive response maps of Ziletti et al. 2018, Fig. 5.  For each class that is named, what its crystals
    have in common.

    Examples:
      hpcvox explain source=my_cifs/ model=crystal_classes
      hpcvox explain source=my_cifs/ vacancies=0.25 out=runs/explained_vacancies
      hpcvox explain limit=0 layers='[2, 4]' filters=8 formats='[png, svg]' out=runs/explained_all
    """

    source: Annotated[Path, Input("`hpcvox elements` makes crystals")] = Field(
        Path("runs/elements/crystals.csv"), description="crystals: whatever hpcvox featurize reads as source"
    )
    model: Annotated[Path, trained_by("train-fingerprint")] = Field(
        Path("crystal_classes"), description="run folder of train-fingerprint, or the shipped network"
    )
    out: Path = Field(
        Path("runs/explained"),
        description="folder for explained.csv, pictures/, classes.png, rejects.csv and summary.json",
    )
    overwrite: Overwrite = False
    limit: int = Field(20, ge=0, description="use this many inputs, evenly spread over the source; 0: all")
    layers: list[Layer] | None = Field(
        None,
        min_length=1,
        description="convolutions whose filters are drawn, 1 the first; null: the first, the third and the last, as in "
        "the paper",
    )
    filters: int = Field(
        4, ge=1, le=64, description="filters of each layer that are drawn, the most active ones"
    )
    draws: int = Field(
        100,
        ge=0,
        le=10_000,
        description="predictions with dropout, for the columns entropy and mutual_information; 0: they stay empty",
    )
    removed: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="share of a fingerprint's light that is removed to see what becomes of the probability: once where "
        "the network looks, once where it is brightest (columns probability_without_...); 0: they stay empty",
    )
    vacancies: float = Field(0.0, ge=0, lt=1, description="share of each supercell's atoms that are removed")
    substitutions: float = Field(
        0.0, ge=0, le=1, description="share of each supercell's atoms that become another element"
    )
    displacement: float = Field(0.0, ge=0, description="Å; standard deviation of each coordinate's shift")
    seed: int = Field(0, ge=0, description="seed of the defects and of dropout")
    formats: list[Format] = Field(["png"], min_length=1, description="formats of the pictures")
    id_column: IdColumn = "auto"
    cif_column: CifColumn = "cif"

    makes = ("explained.csv", "pictures", "classes.*", "rejects.csv", "summary.json")
