"""Settings of ``hpcvox featurize``: what every descriptor has, and what each adds to that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from hpcvox.config import Settings
from hpcvox.crystals.cells import CUBIC_TOLERANCE
from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.errors import ConfigError

FREE = ("source", "out", "actors", "limit_s", "id_column", "cif_column", "targets")
"""The settings that do not decide a shard's bytes, given its entries."""


class FeaturizeSettings(Settings):
    """Where crystals come from and where their arrays go, whatever the descriptor."""

    descriptor: str = Field(description="what becomes of a crystal")
    source: Path = Field(
        Path("runs/database/crystals.csv"),
        description="a folder or archive of CIFs and POSCARs, one of them, a CSV or Parquet table with a column of "
        "CIFs, extended XYZ, JSON of pymatgen structures, or a database of ASE",
    )
    out: Path = Field(Path("runs/shards"), description="folder of the shard set")
    strict: bool = Field(
        False,
        description="reject the crystals with a remark: their file disagrees with itself in something small",
    )
    max_sites: int = Field(500, ge=1, le=10_000, description="reject cells with more atoms")
    entries_per_shard: int = Field(256, ge=1, le=100_000, description="inputs that share one HDF5 file")
    actors: int = Field(0, ge=0, description="processes that work in parallel; 0: one a CPU")
    limit_s: float = Field(
        60, ge=0, description="seconds that one input may take before its process is ended; 0: any number"
    )
    id_column: str = Field("auto", description="column or field of identifiers; auto: the first likely one")
    cif_column: str = Field("cif", description="column of CIF texts")
    targets: list[str] | None = Field(
        None, description="columns or fields of numbers to keep with the samples; null: all"
    )

    @classmethod
    def variant(cls, tree: Mapping[str, Any]) -> type[Settings]:
        """The settings of the descriptor that ``tree`` names; ``density`` where it names none."""
        name = tree.get("descriptor", "density")
        if not isinstance(name, str) or name not in VARIANTS:
            raise ConfigError(f"descriptor: there is no {name!r}; valid: {', '.join(VARIANTS)}")
        return VARIANTS[name]

    @property
    def grid_name(self) -> str:
        """The grid of the descriptor; empty where it has none to choose."""
        return ""

    def fixed(self) -> dict[str, Any]:
        """The settings that decide a shard's bytes, given its entries; stored in every shard."""
        return self.model_dump(mode="json", exclude=set(FREE))


class DensitySettings(FeaturizeSettings):
    """Court's voxels."""

    descriptor: Literal["density"] = Field("density", description="density, species, mask and cell voxels")
    grid: Literal["periodic", "padded"] = Field(
        "periodic", description="the exact periodic cell, or the authors' box of -a/4 to 5a/4 without images"
    )
    voxels: int = Field(32, ge=8, le=128, multiple_of=8, description="voxels along each edge of the grid")
    sigma: float | None = Field(
        None, ge=0.2, le=3, description="Å; width of every Gaussian; null: of its element's mean ionic radius"
    )
    dtype: Literal["float16", "float32"] = Field("float16", description="of the density on disk")
    cell: Literal["conventional", "as-given"] = Field(
        "conventional", description="bring a cell that is not cubic to its conventional cell first, or do not"
    )
    shapes: Literal["cubic", "orthogonal", "any"] = Field(
        "cubic", description="cells that are taken; those of another shape are rejected"
    )
    cubic_tolerance: float = Field(
        CUBIC_TOLERANCE,
        gt=0,
        le=0.05,
        description="share of its length by which an edge of a cubic cell may differ; its angles are right to 0.06°",
    )
    max_sites: int = Field(40, ge=1, le=10_000, description="reject cells with more atoms")
    entries_per_shard: int = Field(
        512, ge=1, le=100_000, description="inputs that share one HDF5 file; fewer for finer voxels"
    )

    @property
    def grid_name(self) -> str:
        """See :class:`FeaturizeSettings`."""
        return self.grid

    @model_validator(mode="after")
    def _box_of_right_angles(self) -> Self:
        if self.grid == "padded" and self.shapes == "any":
            raise ValueError("shapes=any takes grid=periodic: the authors' box has right angles")
        return self


class R3dvsSettings(FeaturizeSettings):
    """Kajita's spots."""

    descriptor: Literal["r3dvs"] = Field("r3dvs", description="Fourier amplitudes of a field, as spots")
    field: Literal["superposed-atoms", "file"] = Field(
        "superposed-atoms",
        description="the density of free atoms in a crystal's places, or what the field files of source hold",
    )
    quantity: Literal["density", "potential", "other"] = Field(
        "density", description="what field files hold; those of another kind are rejected"
    )
    channels: int = Field(
        1, ge=1, le=4, description="channels of a field file that are kept: 2 with its spin"
    )
    resolution: float = Field(0.4, gt=0.05, le=5, description="δL*, Å; the finest detail that is kept")
    width: float = Field(0.2, ge=0, description="Å; free atoms are smoothed by a Gaussian of this width")

    @model_validator(mode="after")
    def _of_atoms(self) -> Self:
        if self.field == "superposed-atoms" and (self.quantity, self.channels) != ("density", 1):
            raise ValueError("superposed atoms are a density of one channel")
        return self


class SoapSettings(FeaturizeSettings):
    """Kajita's baseline of atomic environments."""

    descriptor: Literal["soap"] = Field("soap", description="SOAP average-kernel features")
    centres: list[str] = Field(["O"], description="elements whose atoms are averaged over; []: all atoms")
    species: list[str] = Field(
        [], description="elements that crystals may hold, a channel for each; []: all, in a few channels"
    )
    delta: float = Field(1.0, ge=0, description="Δ, how alike two elements are; 0 (with species): not at all")
    channels: int = Field(5, ge=1, le=94, description="channels for all elements, where species is []")
    r_cut: float = Field(5.0, gt=1, le=20, description="Å; reach of an environment")
    sigma: float = Field(0.5, gt=0, description="Å; width of an atom's Gaussian")
    n_max: int = Field(8, ge=1, le=20, description="radial functions")
    l_max: int = Field(6, ge=0, le=20, description="highest angular momentum")
    max_sites: int = Field(200, ge=1, le=10_000, description="reject cells with more atoms")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in (*self.centres, *self.species):
            if name not in ATOMIC_NUMBERS:
                raise ValueError(f"{name!r} is no element's symbol")
        if self.delta == 0 and not self.species:
            raise ValueError("delta=0 takes a list of species")
        return self


class DiffractionSettings(FeaturizeSettings):
    """Ziletti's image."""

    descriptor: Literal["diffraction"] = Field("diffraction", description="2D diffraction fingerprint")
    pixels: int = Field(64, ge=8, le=512, description="pixels along each edge of the image")
    centre: float = Field(5.0, ge=0, description="pixels this near to the centre are zero")
    atoms: int = Field(256, ge=32, le=10_000, description="the supercell has about so many atoms")
    symprec: float = Field(1e-3, gt=0, description="of the conventional cell's symmetry, in Å")
    vacancies: float = Field(0.0, ge=0, lt=1, description="share of atoms that are removed")
    substitutions: float = Field(0.0, ge=0, le=1, description="share of atoms that become another element")
    displacement: float = Field(0.0, ge=0, description="Å; standard deviation of each coordinate's shift")
    seed: int = Field(0, ge=0, description="of the defects")


class GraphSettings(FeaturizeSettings):
    """CGCNN's graph."""

    descriptor: Literal["graph"] = Field("graph", description="nearest neighbours of every site")
    neighbours: int = Field(12, ge=1, le=100, description="edges of every site")
    radius: float = Field(8.0, gt=0, le=64, description="Å; looked for within this first, then farther")
    symprec: float = Field(
        0, ge=0, le=0.1, description="Å; trainings compute sites alike within this once; 0 = every site"
    )
    entries_per_shard: int = Field(4096, ge=1, le=100_000, description="inputs that share one HDF5 file")


class CoulombSettings(FeaturizeSettings):
    """The spectrum of charges."""

    descriptor: Literal["coulomb"] = Field("coulomb", description="eigenvalues of the Ewald sum matrix")
    max_sites: int = Field(100, ge=1, le=1_000, description="length of the spectrum; reject larger cells")
    entries_per_shard: int = Field(1024, ge=1, le=100_000, description="inputs that share one HDF5 file")


VARIANTS: dict[str, type[FeaturizeSettings]] = {
    "density": DensitySettings,
    "r3dvs": R3dvsSettings,
    "soap": SoapSettings,
    "diffraction": DiffractionSettings,
    "graph": GraphSettings,
    "coulomb": CoulombSettings,
}
