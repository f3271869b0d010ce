"""The settings of the experiments of Kajita et al. 2017, and what the sizes make of those that are null."""

from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field

from hpcvox.inputs import Input
from hpcvox.networks.r3dvs.settings import VoxelCNNSettings
from hpcvox.reproduction.settings import ReproduceSettings, given
from hpcvox.shared_settings import Actors


class Scale(NamedTuple):
    """How much of everything is done."""

    draws: int
    members: int
    replicas: tuple[int, ...]
    """Of each crystal in the experiment of Fig. 3; the regressions have the most of them."""
    epochs: int
    """Of the regressions."""
    recognition_epochs: int
    """Of the experiment of Fig. 3."""
    shares: tuple[float, ...]
    """Training sizes, as shares of the crystals that are not tested on."""
    resolution: float
    together: bool
    curves: bool
    """Whether the residuals are measured at every training size, not at the largest alone."""


SIZES: Final = {
    "small": Scale(3, 2, (1, 10, 30), 10, 40, (0.25, 0.5, 1.0), 0.8, True, False),
    "full": Scale(
        20, 5, (1, 5, 10, 20, 30), 60, 100, (1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1.0), 0.4, False, True
    ),
}

_SMALL, _FULL = SIZES["small"], SIZES["full"]


class KajitaSettings(ReproduceSettings):
    """hpcvox reproduce kajita: Figs. 3 and 4 of Kajita et al. 2017 (R3DVS), ours beside the paper's.

    It needs densities and energies of oxides in one folder (docs/reproduce.md says in which form).  Run it again and it
    goes on where it was; several processes or jobs with the same settings share the steps.

    Examples:
      hpcvox reproduce kajita densities=oxide_densities/
      hpcvox reproduce kajita fig3 densities=oxide_densities/ draws=10
      hpcvox reproduce kajita densities=oxide_densities/ --plan
      sbatch slurm/reproduce.sh kajita size=full densities=oxide_densities/
    """

    paper: Literal["kajita"] = Field("kajita", description="the paper")
    densities: Annotated[Path, Input("docs/reproduce.md says what is in it")] = Field(
        Path("oxide_densities"), description="folder with oxides.npz (densities) and index.csv (energies)"
    )
    limit: int | None = Field(
        None, ge=8, description="take only so many of its crystals, drawn by seed; null: all of them"
    )
    crystals: int = Field(50, ge=2, description="crystals of each draw of fig3")
    replicas: list[int] | None = Field(
        None,
        min_length=1,
        description="random turns of each training crystal: the counts of fig3, and the greatest of them for the other "
        f"experiments; null: small {list(_SMALL.replicas)}, full {list(_FULL.replicas)}",
    )
    training_sizes: list[int] | None = Field(
        None,
        min_length=1,
        description="training crystals of fig4; null: small a quarter, a half and all of those that are not tested on; "
        "full every sixth",
    )
    members: int | None = Field(
        None,
        ge=1,
        description="networks of other seeds whose mean is the answer of R3DVS; "
        f"null: small {_SMALL.members}, full {_FULL.members}",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        description="passes of the regressions over the turns of the training crystals; "
        f"null: small {_SMALL.epochs}, full {_FULL.epochs}",
    )
    recognition_epochs: int | None = Field(
        None,
        ge=1,
        description="passes of fig3; a network with fewer turns is shown each of them more often, so that all take as "
        f"many steps; null: small {_SMALL.recognition_epochs}, full {_FULL.recognition_epochs}",
    )
    learning_rate: float = Field(3e-3, gt=0, description="highest learning rate of the networks")
    resolution: float | None = Field(
        None,
        gt=0.05,
        le=5,
        description="δL*, Å; the finest detail of the densities that is kept; "
        f"null: small {_SMALL.resolution}, full {_FULL.resolution}",
    )
    length: float = Field(12.8, gt=0, description="L*, Å; there are L*/δL* voxels along each edge")
    together: bool | None = Field(
        None,
        description="true: one network predicts all targets; false: a network for each, as in the paper; "
        f"null: small {str(_SMALL.together).lower()}, full {str(_FULL.together).lower()}",
    )
    model: VoxelCNNSettings = Field(VoxelCNNSettings(), description="shape of the networks")
    threads: int = Field(0, ge=0, description="threads of a training; 0: all available CPUs")
    actors: Actors = 0

    @property
    def scale(self) -> Scale:
        """How much of everything is done; the shares do not count where there are ``training_sizes``."""
        usual = SIZES[self.size]
        return Scale(
            draws=given(self.draws, usual.draws),
            members=given(self.members, usual.members),
            replicas=usual.replicas if self.replicas is None else tuple(sorted(set(self.replicas))),
            epochs=given(self.epochs, usual.epochs),
            recognition_epochs=given(self.recognition_epochs, usual.recognition_epochs),
            shares=usual.shares,
            resolution=given(self.resolution, usual.resolution),
            together=given(self.together, usual.together),
            curves=usual.curves,
        )
