"""Settings of ``hpcvox featurize``: those of every descriptor, and those that each descriptor adds."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from hpcvox.config import Overwrite, Settings
from hpcvox.crystals.cells import CUBIC_TOLERANCE
from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.featurize.descriptor import DEFAULT, DESCRIPTORS
from hpcvox.inputs import Input
from hpcvox.shared_settings import Actors, CifColumn, IdColumn, MaxSites

FREE = (
    "source", "out", "overwrite", "actors", "limit_s", "id_column", "cif_column", "targets", "targets_file",
)  # fmt: skip
"""Settings that do not change the bytes of a shard with given entries."""

EntriesPerShard = Annotated[int, Field(ge=1, le=100_000, description="inputs that share one HDF5 file")]


class FeaturizeSettings(Settings):
    """The settings that all descriptors have: where crystals come from and where their arrays go."""

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
        Path("runs/shards"), description="folder of the shard set: of one set of settings, never mixed"
    )
    overwrite: Overwrite = False
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
        description="seconds that one input may take, without those in which code is compiled; a longer one ends its "
        "process, and after the third try the input is rejected; 0: no limit",
    )
    id_column: IdColumn = "auto"
    cif_column: CifColumn = "cif"
    targets: list[str] | None = Field(
        None,
        description="columns or fields of numbers to keep with the samples, as [energy]; null: all numeric ones",
    )
    targets_file: Annotated[Path | None, Input()] = Field(
        None,
        description="table with the id and the targets of each crystal, for a folder of crystals: CGCNN's "
        "id_prop.csv, or a table with a header; targets then names its columns; null: targets come from source",
    )

    makes = ("shard-*.h5", "set.h5", "manifest.json", "rejects.csv", "statistics.json", "split-*.bits")

    @classmethod
    def variant(cls, tree: Mapping[str, Any]) -> type[Settings]:
        """The settings class of the descriptor that ``tree`` names; ``density`` if it names none."""
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
        """The name of the grid, if the descriptor has a choice of grids; else empty."""
        return ""

    def fixed(self) -> dict[str, Any]:
        """The settings that, with the entries, decide the bytes of a shard; every shard stores them."""
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
        description="periodic: exactly one cell, 0 to a, with the density of all periodic images; padded: the box of "
        "Court et al., -a/4 to 5a/4, with the sites of one cell and no images",
    )
    voxels: int = Field(32, ge=8, le=128, multiple_of=8, description="voxels along each edge of the grid")
    sigma: float | None = Field(
        None,
        ge=0.2,
        le=3,
        description="Å; standard deviation of every atom's Gaussian; null: the mean ionic radius of its element, as "
        "in Court et al.",
    )
    dtype: Literal["float16", "float32"] = Field(
        "float16", description="type of the density on disk: float16 (relative error below 0.0005) or float32"
    )
    cell: Literal["conventional", "as-given"] = Field(
        "conventional",
        description="conventional: convert a cell that is not cubic to its conventional cell first (databases store "
        "primitive cells); as-given: take every cell as it is",
    )
    shapes: Literal["cubic", "orthogonal", "any"] = Field(
        "cubic",
        description="which cells to take; the others are rejected: cubic; orthogonal: right angles, any three lengths; "
        "any: voxels follow the cell vectors (only with grid=periodic). A network generates cells of the shapes that "
        "it was trained on",
    )
    cubic_tolerance: float = Field(
        CUBIC_TOLERANCE,
        gt=0,
        le=0.05,
        description="how much the edges of a cubic cell may differ, as a share of their length (0.001: 0.004 Å in a "
        "cell of 4 Å); voxels follow the real lengths; angles must always be 90° to within 0.06°",
    )
    max_sites: MaxSites = 40
    entries_per_shard: int = Field(
        512,
        ge=1,
        le=100_000,
        description="inputs that share one HDF5 file: 512 of 32³ voxels in float16 take 53 MB, and an actor holds "
        "twice as much in memory; take fewer for finer voxels",
    )

    @property
    def grid_name(self) -> str:
        """See :class:`FeaturizeSettings`."""
        return self.grid

    @model_validator(mode="after")
    def _box_of_right_angles(self) -> Self:
        if self.grid == "padded" and self.shapes == "any":
            raise ValueError("shapes=any needs grid=periodic: the padded box has right angles")
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
        description="superposed-atoms: the sum of the electron densities of free atoms at the crystal's sites, "
        "without bonds and charge transfer; file: source is a field file, or a folder that is searched for them "
        "(CHGCAR, CHG, PARCHG, AECCAR, LOCPOT, .cube, also compressed)",
    )
    quantity: Literal["density", "potential", "other"] = Field(
        "density",
        description="what field files must hold: density, potential or other; files of another quantity are rejected",
    )
    channels: int = Field(
        1,
        ge=1,
        le=4,
        description="how many channels of a field file to keep, from the first: 2 are the density and the spin density",
    )
    resolution: float = Field(
        0.4,
        gt=0.05,
        le=5,
        description="δL*, Å; the finest detail to keep: spots within π/δL* of the origin; the grid of a field file "
        "must be at least as fine",
    )
    width: float = Field(
        0.2, ge=0, description="Å; free atoms are smoothed by a Gaussian of this standard deviation"
    )

    @model_validator(mode="after")
    def _of_atoms(self) -> Self:
        if self.field == "superposed-atoms" and (self.quantity, self.channels) != ("density", 1):
            raise ValueError("field=superposed-atoms needs quantity=density and channels=1")
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
    centres: list[str] = Field(
        ["O"], description="average over the atoms of these elements; []: over all atoms"
    )
    species: list[str] = Field(
        [],
        description="elements that crystals may contain, each with its own channel; []: all elements, which share "
        "a few channels",
    )
    delta: float = Field(
        1.0,
        ge=0,
        description="Δ in units of electronegativity: the larger, the more alike two elements count; 0 (needs "
        "species): different elements are not alike at all",
    )
    channels: int = Field(5, ge=1, le=94, description="channels for all elements together, if species is []")
    r_cut: float = Field(5.0, gt=1, le=20, description="Å; radius of an atom's environment")
    sigma: float = Field(0.5, gt=0, description="Å; standard deviation of an atom's Gaussian")
    n_max: int = Field(8, ge=1, le=20, description="number of radial functions")
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
            raise ValueError("delta=0 needs a list of species")
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
        description="pixels; the image is zero within this radius of its centre, to hide the direct beam",
    )
    atoms: int = Field(256, ge=32, le=10_000, description="approximate number of atoms of the supercell")
    symprec: float = Field(
        1e-3,
        gt=0,
        description="Å; symmetry tolerance for the conventional cell, of which the supercell is made",
    )
    vacancies: float = Field(0.0, ge=0, lt=1, description="share of the supercell's atoms that are removed")
    substitutions: float = Field(
        0.0, ge=0, le=1, description="share of the supercell's atoms that become another element"
    )
    displacement: float = Field(0.0, ge=0, description="Å; standard deviation of each coordinate's shift")
    seed: int = Field(
        0, ge=0, description="seed of the defects; those of a crystal do not depend on the other crystals"
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
        description="number of edges of every site: one to each of its nearest neighbours; every periodic image counts",
    )
    radius: float = Field(
        8.0,
        gt=0,
        le=64,
        description="Å; search neighbours within this radius first, and farther if there are too few",
    )
    symprec: float = Field(
        0,
        ge=0,
        le=0.1,
        description="Å; tolerance for finding sites that are equivalent by symmetry, which a training computes only "
        "once: about three times as fast on inorganic crystals; 0: compute every site",
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
        description="length of the spectrum: cells with more atoms are rejected; spectra of smaller cells end in zeros",
    )
    entries_per_shard: EntriesPerShard = 1024
