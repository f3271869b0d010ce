"""The files in which ``hpcvox evaluate`` reports on held-out crystals: ``metrics.json`` and ``per_crystal.csv``."""

from enum import StrEnum
from typing import ClassVar, Final

from hpcvox.files.summary import OrAbsent, Part, Summary

TABLE: Final = "per_crystal.csv"


class Way(StrEnum):
    """The ways in which maps are turned into a crystal again."""

    SEGMENTATION = "segmentation"  # the crystal's own maps through the UNet
    RECONSTRUCTION = "reconstruction"  # encoder, decoder, naming: the whole chain


class Column(StrEnum):
    """The columns of the true crystal."""

    ID = "id"
    FORMULA = "formula"
    DECILE = "decile"
    N_SITES = "n_sites"
    A = "a"  # Å
    B = "b"
    C = "c"


LENGTHS: Final = (Column.A, Column.B, Column.C)


class Figure(StrEnum):
    """The columns of the crystal that was found in one way."""

    CODE = "code"  # why no atoms could be placed; empty if they could
    A = "a"  # Å
    B = "b"
    C = "c"
    LENGTH_MAE = "length_mae"
    ANGLE_MAE = "angle_mae"
    EMD = "emd"
    EXCESS = "excess"  # number of sites minus that of the true crystal
    SPECIES_RIGHT = "species_right"
    EXACT = "exact"
    VALID = "valid"
    MATCH_RMS = "match_rms"
    RECALL = "recall"


def column(way: Way, figure: str) -> str:
    """The name of the column with the figure of a way."""
    return f"{way}_{figure}"


COLUMNS: Final = (*Column, *(column(way, figure) for way in Way for figure in Figure))
"""All columns of ``per_crystal.csv``."""


class Figures(Part):
    """Means over all crystals for one way.  Rates count failures; means of errors are over the placed crystals only."""

    length_mae: float | None = None
    """Mean absolute error of the cell lengths in Å, per axis."""
    angle_mae: float | None = None
    """Mean absolute error of the cell angles in degrees, per angle."""
    emd: float | None = None
    """Å, placed crystals."""
    delta_n: float | None = None
    """Sites, placed crystals."""
    species_right: float | None = None
    recall: float | None = None
    exact_rate: float | None = None
    valid_rate: float | None = None
    match_rate: float | None = None
    match_rms: float | None = None
    """(volume/site)^(1/3), crystals that match."""
    metre: float | None = None
    crmse: float | None = None
    failure_rate: float
    failures: dict[str, int]
    failed: list[str]
    """Ids of the first failures."""


class EvaluateSummary(Summary):
    """The figures of each way, and the crystals and networks that they belong to."""

    FILE: ClassVar[str] = "metrics.json"

    segmentation: OrAbsent[Figures] = None
    reconstruction: Figures
    held_out_crystals: int | None = None
    vae: str | None = None
    unet: str | None = None
    shards: str | None = None
    unet_held_out_the_same: OrAbsent[bool] = None
    """Whether the UNet's training held out the same materials; None if there is no UNet."""

    @property
    def ways(self) -> dict[Way, Figures]:
        """The figures of the ways that were evaluated."""
        found = {Way.SEGMENTATION: self.segmentation, Way.RECONSTRUCTION: self.reconstruction}
        return {way: figures for way, figures in found.items() if figures is not None}
