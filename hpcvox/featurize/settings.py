"""Settings of ``hpcvox featurize``: what every descriptor has, and what each adds to that."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from hpcvox.config import Settings
from hpcvox.crystals.cells import CUBIC_TOLERANCE
from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.featurize.descriptor import DEFAULT, DESCRIPTORS
from hpcvox.inputs import Input
from hpcvox.shared_settings import Actors, CifColumn, IdColumn, MaxSites

FREE = ("source", "out", "actors", "limit_s", "id_column", "cif_column", "targets", "targets_file")
"""The settings that do not decide a shard's bytes, given its entries."""

EntriesPerShard = Annotated[int, Field(ge=1, le=100_000, description="inputs that share one HDF5 file")]


class FeaturizeSettings(Settings):
    """Where crystals come from and where their arrays go, whatever the descriptor."""

    descriptor: str = Field(description="what becomes of a crystal")
    source: Annotated[Path, Input("`hpcvox database` makes built-in crystals")] = Field(
        Path("runs/database/crystals.csv"),
        description="crystals: a folder of structure files (searched through: .cif, and VASP's POSCAR*, CONTCAR*, "
        ".poscar, .vasp), an archive of them (.tar, .tar.gz, .tar.xz, .tar.bz2, .zip), or one of "
        "them; a table with a column of CIFs (.csv, also .gz, .xz, .bz2; .parquet); frames of "
        "extended XYZ (.extxyz, .xyz) or pymatgen structures (.json, .jsonl), also compressed; an ASE "
        "database (.db)",
    )
    out: Path = Field(
        Path("runs/shards"),
        description="folder of the shard set; with other settings the shards in it are made anew, never mixed",
    )
    strict: bool = Field(
        False,
        description="reject crystals with a remark: their file disagrees with itself in something small "
        "(docs/sources.md)",
    )
    max_sites: MaxSites = 500
    entries_per_shard: EntriesPerShard = 256
    actors: Actors = 0
    limit_s: float = Field(
        60,
        ge=0,
        description="seconds that one input may take; its process is ended then, and after three times the input "
        "is rejected; 0: any number",
    )
    id_column: IdColumn = "auto"
    cif_column: CifColumn = "cif"
    targets: list[str] | None = Field(
        None,
        description="columns or fields of numbers to keep with the samples, as [energy]; null: all that are "
        "numeric",
    )
    targets_file: Annotated[Path | None, Input()] = Field(
        None,
        description="table of targets by the ids of the crystals, for a folder of them: CGCNN's id_prop.csv, or one "
        "with a header; targets then names its columns; null: those of source",
    )

    @classmethod
    def variant(cls, tree: Mapping[str, Any]) -> type[Settings]:
        """The settings of the descriptor that ``tree`` names; ``density`` where it names none."""
        name = tree.get("descriptor", DEFAULT)
        if not isinstance(name, str) or (descriptor := DESCRIPTORS.named(name)) is None:
            near = did_you_mean(str(name), DESCRIPTORS.known)
            valid = ", ".join(DESCRIPTORS.known)
            raise ConfigError(f"descriptor: there is no {str(name)!r}: {near}valid: {valid}")
        kind: type[Settings] = descriptor.load("settings")
        return kind

    @classmethod
    def kinds(cls) -> Mapping[str, Iterable[str]]:
        """See :class:`hpcvox.config.Settings`."""
        return {"descriptor": DESCRIPTORS.known}

    @property
    def grid_name(self) -> str:
        """The grid of the descriptor; empty where it has none to choose."""
        return ""

    def fixed(self) -> dict[str, Any]:
        """The settings that decide a shard's bytes, given its entries; stored in every shard."""
        return self.model_dump(mode="json", exclude=set(FREE))


class DensitySettings(FeaturizeSettings):
    """hpcvox featurize: crystals → density, species, mask and cell voxels (Court et al. 2020) in HDF5 shards.

    The shards have a manifest, checksums, and a table of what could not be used and why.  Run it again and it goes on
    where it was.

    Examples:
      hpcvox featurize source=my_cifs/ out=runs/shards
      hpcvox featurize source=perovskites.csv targets=[heat_all] grid=padded
    """

    descriptor: Literal["density"] = Field(
        "density", description="what becomes of a crystal: density, species, mask and cell voxels"
    )
    grid: Literal["periodic", "padded"] = Field(
        "periodic",
        description="periodic: the exact cell, 0 to a, with every periodic image that matters; padded: the box of "
        "Court et al., -a/4 to 5a/4, with the sites of the one cell and no images",
    )
    voxels: int = Field(32, ge=8, le=128, multiple_of=8, description="voxels along each edge of the grid")
    sigma: float | None = Field(
        None,
        ge=0.2,
        le=3,
        description="Å; width of every Gaussian; null: the mean ionic radius of its element, as Court et al. have "
        "it",
    )
    dtype: Literal["float16", "float32"] = Field(
        "float16", description="of the density on disk: float16 (relative error below 0.0005) or float32"
    )
    cell: Literal["conventional", "as-given"] = Field(
        "conventional",
        description="conventional: a cell that is not cubic is brought to its conventional cell first (databases "
        "store primitive cells); as-given: it is not",
    )
    shapes: Literal["cubic", "orthogonal", "any"] = Field(
        "cubic",
        description="cells that are taken, the others being rejected: cubic; orthogonal, of three lengths; any, "
        "whose voxels follow the cell vectors (with grid=periodic alone); networks that are trained "
        "on such cells generate such",
    )
    cubic_tolerance: float = Field(
        CUBIC_TOLERANCE,
        gt=0,
        le=0.05,
        description="share of its length by which an edge of a cubic cell may differ from the others (0.001: "
        "0.004 Å in a cell of 4 Å); the voxels are those of its own lengths, and its angles are right "
        "to 0.06° whatever is set here",
    )
    max_sites: MaxSites = 40
    entries_per_shard: int = Field(
        512,
        ge=1,
        le=100_000,
        description="inputs that share one HDF5 file: 512 of 32³ in float16 are 53 MB, and an actor holds twice "
        "as much in memory; take fewer for finer voxels",
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
    """hpcvox featurize: crystals → the spots of R3DVS (Kajita et al. 2017) in HDF5 shards.

    The shards have a manifest, checksums, and a table of what could not be used and why.  Run it again and it goes on
    where it was.

    Examples:
      hpcvox featurize configs/featurize_r3dvs.yaml source=my_cifs/ out=runs/spots
      hpcvox featurize configs/featurize_r3dvs.yaml field=file source=my_chgcars/ out=runs/spots
    """

    descriptor: Literal["r3dvs"] = Field(
        "r3dvs", description="what becomes of a crystal: Fourier amplitudes of a field, as spots"
    )
    field: Literal["superposed-atoms", "file"] = Field(
        "superposed-atoms",
        description="superposed-atoms: the electron density of free atoms in a crystal's places, without bonds "
        "and charge transfer; file: source is a field file or a folder of them (searched through: "
        "CHGCAR, CHG, PARCHG, AECCAR, LOCPOT, .cube, also compressed)",
    )
    quantity: Literal["density", "potential", "other"] = Field(
        "density",
        description="what field files hold: density, potential or other; those of another kind are rejected",
    )
    channels: int = Field(
        1,
        ge=1,
        le=4,
        description="channels of a field file that are kept, from the first: 2 are the density and its spin",
    )
    resolution: float = Field(
        0.4,
        gt=0.05,
        le=5,
        description="δL*, Å; the finest detail that is kept: spots within π/δL* of the origin, which a file's "
        "grid must hold",
    )
    width: float = Field(
        0.2, ge=0, description="Å; free atoms are smoothed by a Gaussian of this standard deviation"
    )

    @model_validator(mode="after")
    def _of_atoms(self) -> Self:
        if self.field == "superposed-atoms" and (self.quantity, self.channels) != ("density", 1):
            raise ValueError("superposed atoms are a density of one channel")
        return self


class SoapSettings(FeaturizeSettings):
    """hpcvox featurize: crystals → SOAP average-kernel features (the baseline of Kajita et al. 2017) in HDF5 shards.

    The shards have a manifest, checksums, and a table of what could not be used and why.  Run it again and it goes on
    where it was.

    Examples:
      hpcvox featurize configs/featurize_soap.yaml source=my_cifs/ out=runs/soap
    """

    descriptor: Literal["soap"] = Field(
        "soap", description="what becomes of a crystal: SOAP average-kernel features"
    )
    centres: list[str] = Field(["O"], description="elements whose atoms are averaged over; []: all atoms")
    species: list[str] = Field(
        [],
        description="elements that crystals may hold, with a channel for each; []: all elements, in a few "
        "channels",
    )
    delta: float = Field(
        1.0,
        ge=0,
        description="Δ in units of electronegativity: the wider, the more alike two elements are; 0 (with "
        "species): not at all",
    )
    channels: int = Field(5, ge=1, le=94, description="channels for all elements, where species is []")
    r_cut: float = Field(5.0, gt=1, le=20, description="Å; reach of an environment")
    sigma: float = Field(0.5, gt=0, description="Å; width of an atom's Gaussian")
    n_max: int = Field(8, ge=1, le=20, description="radial functions")
    l_max: int = Field(6, ge=0, le=20, description="highest angular momentum")
    max_sites: MaxSites = 200

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in (*self.centres, *self.species):
            if name not in ATOMIC_NUMBERS:
                raise ValueError(
                    f"{name!r} is no element's symbol: {did_you_mean(name, ATOMIC_NUMBERS)}".rstrip(": ")
                )
        if self.delta == 0 and not self.species:
            raise ValueError("delta=0 takes a list of species")
        return self


class DiffractionSettings(FeaturizeSettings):
    """hpcvox featurize: crystals → 2D diffraction fingerprints (Ziletti et al. 2018) in HDF5 shards.

    The shards have a manifest, checksums, and a table of what could not be used and why.  Run it again and it goes on
    where it was.

    Examples:
      hpcvox featurize configs/featurize_diffraction.yaml source=my_cifs/ out=runs/fingerprints
      hpcvox featurize configs/featurize_diffraction.yaml vacancies=0.25 seed=1 out=runs/fingerprints_vacancies
    """

    descriptor: Literal["diffraction"] = Field(
        "diffraction", description="what becomes of a crystal: 2D diffraction fingerprint"
    )
    pixels: int = Field(64, ge=8, le=512, description="pixels along each edge of the image")
    centre: float = Field(
        5.0,
        ge=0,
        description="pixels; what is no farther than this from the centre of the image is zero: the beam that "
        "went straight through",
    )
    atoms: int = Field(256, ge=32, le=10_000, description="the supercell has about so many atoms")
    symprec: float = Field(
        1e-3, gt=0, description="Å; symmetry tolerance of the conventional cell that the supercell is made of"
    )
    vacancies: float = Field(0.0, ge=0, lt=1, description="share of the supercell's atoms that are removed")
    substitutions: float = Field(
        0.0, ge=0, le=1, description="share of its atoms that become another element"
    )
    displacement: float = Field(0.0, ge=0, description="Å; standard deviation of each coordinate's shift")
    seed: int = Field(
        0, ge=0, description="of the defects; each crystal has its own, whatever the others are"
    )


class GraphSettings(FeaturizeSettings):
    """hpcvox featurize: crystals → graphs of nearest neighbours (CGCNN, Xie and Grossman 2018) in HDF5 shards.

    The shards have a manifest, checksums, and a table of what could not be used and why.  Run it again and it goes on
    where it was.

    Examples:
      hpcvox featurize configs/featurize_graph.yaml source=my_cifs/ out=runs/graphs
    """

    descriptor: Literal["graph"] = Field(
        "graph", description="what becomes of a crystal: nearest neighbours of every site"
    )
    neighbours: int = Field(
        12,
        ge=1,
        le=100,
        description="edges of every site: its nearest neighbours, periodic images counted one by one",
    )
    radius: float = Field(
        8.0,
        gt=0,
        le=64,
        description="Å; neighbours are looked for within this first, and farther where there are too few",
    )
    symprec: float = Field(
        0,
        ge=0,
        le=0.1,
        description="Å; a training computes sites once that a symmetry of the crystal carries to each other "
        "within this: about three times as fast on inorganic crystals; 0: every site is computed",
    )
    entries_per_shard: EntriesPerShard = 4096


class CoulombSettings(FeaturizeSettings):
    """hpcvox featurize: crystals → eigenvalues of the Ewald sum matrix (Kajita et al. 2017) in HDF5 shards.

    The shards have a manifest, checksums, and a table of what could not be used and why.  Run it again and it goes on
    where it was.

    Examples:
      hpcvox featurize configs/featurize_coulomb.yaml source=my_cifs/ out=runs/spectra
    """

    descriptor: Literal["coulomb"] = Field(
        "coulomb", description="what becomes of a crystal: eigenvalues of the Ewald sum matrix"
    )
    max_sites: int = Field(
        100,
        ge=1,
        le=1_000,
        description="length of the spectrum: cells with more atoms are rejected, smaller ones filled up with "
        "zeros",
    )
    entries_per_shard: EntriesPerShard = 1024
