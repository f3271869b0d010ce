"""Settings of the job ``dft``."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from hpcvox.calculators.gpaw import GpawSettings
from hpcvox.config import Overwrite, Settings
from hpcvox.inputs import Input
from hpcvox.shared_settings import Actors, CifColumn, IdColumn

FREE = ("source", "out", "overwrite", "actors", "timeout_s", "max_sites", "id_column", "cif_column")
"""Settings that do not change the field of a crystal."""


class _Places(Settings):
    """The settings that are listed before those of the field."""

    source: Annotated[Path, Input("`hpcvox database` makes built-in crystals")] = Field(
        Path("runs/database/crystals.csv"), description="crystals: whatever hpcvox featurize reads as source"
    )
    out: Path = Field(
        Path("runs/dft"),
        description="folder to write: fields/, dft.csv and rejects.csv; use one folder for one set of the settings "
        "that change a field; a run that stopped goes on there",
    )
    overwrite: Overwrite = False


class DftSettings(GpawSettings, _Places):
    """hpcvox dft: crystals → real densities, by density-functional theory (GPAW, plane waves).

    Each density is a field file that hpcvox featurize configs/featurize_r3dvs.yaml field=file reads.  Tables list the
    energies, and the crystals that could not be computed, with reasons.  It needs the extra gpaw (HPCVOX_EXTRAS="chgnet
    gpaw" make setup).  Run it again and it goes on where it was.

    Examples:
      hpcvox dft source=my_cifs/ out=runs/dft
      hpcvox featurize configs/featurize_r3dvs.yaml field=file source=runs/dft/fields out=runs/spots
    """

    cell: Literal["primitive", "as-given"] = Field(
        "primitive",
        description="primitive: compute the reduced primitive cell, which costs least and has the same spots; "
        "as-given: compute the cell of the source",
    )
    voxels: int = Field(
        32,
        ge=8,
        le=256,
        multiple_of=2,
        description="points of the field along each edge; more on a long edge, so that points are at most 0.7 sigma "
        "apart",
    )
    sigma: float = Field(
        0.2, ge=0.1, le=1, description="Å; the density is smoothed by a Gaussian of this standard deviation"
    )
    max_sites: int = Field(
        30, ge=1, le=10_000, description="reject cells with more atoms: time grows with their cube"
    )
    timeout_s: float = Field(
        3600.0,
        gt=0,
        description="seconds; a crystal that takes longer is rejected; a run with a longer limit tries it again",
    )
    actors: Actors = 0
    id_column: IdColumn = "auto"
    cif_column: CifColumn = "cif"

    makes = ("fields", "parts", "dft.csv", "rejects.csv")

    def may_change(self) -> frozenset[str]:
        """See :class:`hpcvox.config.Settings`."""
        return frozenset(FREE)

    def fixed(self) -> dict[str, Any]:
        """The settings that determine the field of a crystal."""
        return self.model_dump(mode="json", exclude=set(FREE))
