"""The settings of the experiments of Court et al. 2020, and what the sizes make of those that are null."""

from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.descriptors.grids import Grid
from hpcvox.inputs import Input
from hpcvox.networks.unet.settings import UNetSettings
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.relaxation.settings import Stage
from hpcvox.reproduction.settings import ReproduceSettings, given
from hpcvox.shared_settings import Actors, CifColumn, IdColumn


class Scale(NamedTuple):
    """How much of everything is done."""

    draws: int
    crystals: int | None
    """None: all."""
    property_crystals: int | None
    voxels: int
    grid: Grid
    unet_epochs: int
    vae_epochs: int
    cgcnn_epochs: int
    tested: int
    """Held-out crystals that are reconstructed; 0: all."""
    encoded: int
    """Crystals of the map of the latent space."""
    steps: int
    """Crystals on the line between two."""
    random: int
    """Random samples of each decile."""
    bases: int
    around: int
    """Samples around each base."""
    papers: bool
    """Whether networks and their trainings are the paper's."""


SIZES: Final = {
    "small": Scale(3, 320, 1500, 16, "periodic", 15, 15, 20, 80, 300, 60, 20, 3, 60, False),
    "full": Scale(3, None, None, 32, "padded", 50, 50, 100, 0, 5000, 1000, 100, 12, 1000, True),
}

_SMALL, _FULL = SIZES["small"], SIZES["full"]

LEAN_UNET: Final = UNetSettings()
LEAN_VAE: Final = VAESettings(encoder=(32, 64), decoder=(64, 32), elements=0, naming=0, cell="maps")

PAPER_UNET: Final = UNetSettings(
    patch=1,
    inputs="raw",
    padding="zeros",
    down=((32, 64), (64, 128), (128, 256)),
    bottom=(512, 512),
    up=((512, 256), (256, 128), (128, 128)),
    stencils=(),
    head=(),
)
PAPER_VAE: Final = VAESettings(
    patch=1,
    inputs="raw",
    padding="zeros",
    encoder=(16, 32, 64, 128),
    bottleneck=4,
    seed_channels=4,
    decoder=(128, 64, 32, 16),
    elements=0,
    naming=0,
    cell="maps",
)


class PropertyColumns(Settings):
    """Which column of the table has each property; null: it has none."""

    formation_energy: str = Field("heat_all", description="formation energy, eV/atom")
    total_energy: str | None = Field(None, description="energy per atom, eV/atom")
    band_gap: str | None = Field("dir_gap", description="band gap, eV")
    bulk_modulus: str | None = Field(None, description="bulk modulus, GPa")
    shear_modulus: str | None = Field(None, description="shear modulus, GPa")
    poisson_ratio: str | None = Field(None, description="Poisson's ratio")
    refractive_index: str | None = Field(None, description="refractive index")
    dielectric_constant: str | None = Field(None, description="dielectric constant")


class CourtSettings(ReproduceSettings):
    """hpcvox reproduce court: Tables 1 to 5 and Figs. 2 to 7 of Court et al. 2020, ours beside the paper's.

    It needs a table of cubic crystals with their formation energies, as Perov-5 is; docs/reproduce.md says how to name
    the columns of others.  Run it again and it goes on where it was; several processes or jobs with the same settings
    share the steps.

    Examples:
      hpcvox reproduce court source=perov5_val.csv.xz
      hpcvox reproduce court table5 source=perov5_val.csv.xz draws=2
      hpcvox reproduce court source=perov5_val.csv.xz --plan
      sbatch slurm/reproduce.sh configs/reproduce_court.yaml size=full source=perov5_val.csv.xz
    """

    paper: Literal["court"] = Field("court", description="the paper")
    source: Annotated[Path, Input("docs/reproduce.md says what is in it")] = Field(
        Path("perov5_val.csv.xz"),
        description="crystals of VAE and UNet: whatever hpcvox featurize reads; those that are not cubic are left out, "
        "and counted",
    )
    id_column: IdColumn = "auto"
    cif_column: CifColumn = "cif"
    energy: str = Field(
        "heat_all",
        description="column of source with the formation energy in eV/atom, whose deciles condition the VAE",
    )
    formulas: list[str] | None = Field(
        None,
        description="take crystals of these anonymous formulas alone; the paper's three classes are [AB, ABC2, ABC3]; "
        "null: all",
    )
    property_source: Annotated[Path | None, Input()] = Field(
        None, description="crystals of the property networks, of any kind; null: source"
    )
    properties: PropertyColumns = Field(
        PropertyColumns(), description="columns of property_source, which learn together with their crystals"
    )
    known: Annotated[list[Path], Input()] = Field(
        [],
        description="databases of known crystals for Table 4, with the columns of properties where they have them: "
        "[a.csv]; []: none",
    )
    relax: list[Stage] = Field(
        [],
        description="calculators that relax the candidates for Table 3, as in hpcvox relax: [chgnet]; []: not done",
    )
    line: list[str] | None = Field(
        None,
        min_length=2,
        max_length=2,
        description="ids of two crystals between which Fig. 2c interpolates; null: two of the training set that differ "
        "in one element, about twelve atomic numbers apart, as CeCrO3 and YbCrO3 do",
    )
    crystals: int | None = Field(
        None,
        ge=20,
        description=f"take so many crystals of source, drawn by seed; null: small {_SMALL.crystals}, full all",
    )
    property_crystals: int | None = Field(
        None,
        ge=20,
        description="take crystals of property_source at random until so many have each property; null: "
        f"small {_SMALL.property_crystals:,}, full all",
    )
    voxels: int | None = Field(
        None,
        ge=8,
        multiple_of=8,
        description=f"voxels along each edge; null: small {_SMALL.voxels}, full {_FULL.voxels}",
    )
    grid: Grid | None = Field(
        None,
        description="periodic: one cell; padded: the paper's box of 1.5 cells without images; "
        f"null: small {_SMALL.grid}, full {_FULL.grid}",
    )
    unet_epochs: int | None = Field(
        None,
        ge=1,
        description=f"passes of each UNet; null: small {_SMALL.unet_epochs}, full {_FULL.unet_epochs}",
    )
    vae_epochs: int | None = Field(
        None,
        ge=1,
        description=f"passes of each VAE; null: small {_SMALL.vae_epochs}, full {_FULL.vae_epochs}",
    )
    cgcnn_epochs: int | None = Field(
        None,
        ge=1,
        description=f"passes of each property network; null: small {_SMALL.cgcnn_epochs}, full {_FULL.cgcnn_epochs}",
    )
    tested: int | None = Field(
        None,
        ge=0,
        description=f"held-out crystals that are reconstructed; 0: all; null: small {_SMALL.tested}, full all",
    )
    encoded: int | None = Field(
        None,
        ge=4,
        description=f"crystals of the map of the latent space; null: small {_SMALL.encoded}, full {_FULL.encoded:,}",
    )
    steps: int | None = Field(
        None,
        ge=2,
        description=f"crystals on the line between two; null: small {_SMALL.steps}, full {_FULL.steps:,}",
    )
    random: int | None = Field(
        None,
        ge=1,
        description=f"random samples of each decile; null: small {_SMALL.random}, full {_FULL.random}",
    )
    bases: int | None = Field(
        None,
        ge=1,
        description="crystals of the training set around which are samples; "
        f"null: small {_SMALL.bases}, full {_FULL.bases}",
    )
    around: int | None = Field(
        None, ge=1, description=f"samples around each; null: small {_SMALL.around}, full {_FULL.around:,}"
    )
    unet: UNetSettings | None = Field(
        None, description="shape of the UNets; null: small lean, full the paper's"
    )
    vae: VAESettings | None = Field(
        None,
        description="shape of the VAEs, whose elements a UNet names; null: small lean, full the paper's",
    )
    threads: int = Field(0, ge=0, description="threads of networks; 0: all available CPUs")
    actors: Actors = 0

    @property
    def scale(self) -> Scale:
        """How much of everything is done."""
        usual = SIZES[self.size]
        ours = {name: getattr(self, name, None) for name in usual._fields}
        return usual._replace(**{name: value for name, value in ours.items() if value is not None})

    @property
    def unet_shape(self) -> UNetSettings:
        """The shape of the UNets."""
        return given(self.unet, PAPER_UNET if self.scale.papers else LEAN_UNET)

    @property
    def vae_shape(self) -> VAESettings:
        """The shape of the VAEs."""
        return given(self.vae, PAPER_VAE if self.scale.papers else LEAN_VAE)
