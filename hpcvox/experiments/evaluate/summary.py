"""What ``evaluate`` says of held-out crystals: ``metrics.json``, and ``per_crystal.csv`` with its columns."""

from enum import StrEnum
from typing import ClassVar, Final

from hpcvox.files.summary import OrAbsent, Part, Summary

TABLE: Final = "per_crystal.csv"


class Way(StrEnum):
    """How maps become a crystal again."""

    SEGMENTATION = "segmentation"  # the crystal's own maps through the UNet
    RECONSTRUCTION = "reconstruction"  # encoder, decoder, naming: the whole chain


class Column(StrEnum):
    """Of the true crystal."""

    ID = "id"
    FORMULA = "formula"
    DECILE = "decile"
    N_SITES = "n_sites"
    A = "a"  # Å
    B = "b"
    C = "c"


LENGTHS: Final = (Column.A, Column.B, Column.C)


class Figure(StrEnum):
    """Of the crystal that was found one way."""

    CODE = "code"  # why no atoms could be placed, else empty
    A = "a"  # Å
    B = "b"
    C = "c"
    LENGTH_MAE = "length_mae"
    ANGLE_MAE = "angle_mae"
    EMD = "emd"
    EXCESS = "excess"  # sites more than the true crystal has
    SPECIES_RIGHT = "species_right"
    EXACT = "exact"
    VALID = "valid"
    MATCH_RMS = "match_rms"
    RECALL = "recall"


def column(way: Way, figure: str) -> str:
    """Where the figure of a way stands in the table."""
    return f"{way}_{figure}"


COLUMNS: Final = (*Column, *(column(way, figure) for way in Way for figure in Figure))
"""All columns of ``per_crystal.csv``."""


class Figures(Part):
    """Means over the crystals, one way; failures are in every rate, and in no mean that they have no part in."""

    length_mae: float | None = None
    """Å, per axis."""
    angle_mae: float | None = None
    """Degrees, per angle."""
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
    """Ids of the first of them."""


class EvaluateSummary(Summary):
    """The figures of each way, and what they are of."""

    FILE: ClassVar[str] = "metrics.json"

    segmentation: OrAbsent[Figures] = None
    reconstruction: Figures
    held_out_crystals: int | None = None
    vae: str | None = None
    unet: str | None = None
    shards: str | None = None
    unet_held_out_the_same: OrAbsent[bool] = None
    """Whether the UNet's training held out the same materials; None where there is no UNet."""

    @property
    def ways(self) -> dict[Way, Figures]:
        """The figures of each way that there is."""
        found = {Way.SEGMENTATION: self.segmentation, Way.RECONSTRUCTION: self.reconstruction}
        return {way: figures for way, figures in found.items() if figures is not None}
