"""The settings of the experiments of Ziletti et al. 2018, and what the sizes make of those that are null."""

from pathlib import Path
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field

from hpcvox.networks.fingerprint.settings import ConvNetSettings
from hpcvox.reproduction.settings import ReproduceSettings, given
from hpcvox.shared_settings import Actors
from hpcvox.training.folder.shipped import trained_by


class Scale(NamedTuple):
    """How much of everything is done."""

    draws: int
    crystals: int
    epochs: int
    tested: int
    by_symmetry: int
    asked: int


SIZES: Final = {"small": Scale(3, 1400, 6, 20, 3, 10), "full": Scale(5, 10_517, 5, 150, 150, 40)}

_SMALL, _FULL = SIZES["small"], SIZES["full"]


class ZilettiSettings(ReproduceSettings):
    """hpcvox reproduce ziletti: tables and figures of Ziletti et al. 2018 (fingerprints), ours beside the paper's.

    It needs no data: the crystals are the built-in elemental solids.  Run it again and it goes on where it was; several
    processes or jobs with the same settings share the steps.

    Examples:
      hpcvox reproduce ziletti
      hpcvox reproduce ziletti tables claims networks=[crystal_classes]
      hpcvox reproduce ziletti size=full --plan
      sbatch slurm/reproduce.sh configs/reproduce_ziletti.yaml size=full
    """

    paper: Literal["ziletti"] = Field("ziletti", description="the paper")
    networks: Annotated[list[Path] | None, trained_by("train-fingerprint")] = Field(
        None,
        min_length=1,
        description="trained networks that the draws take in turn, instead of training one for each draw; null: train",
    )
    crystals: int | None = Field(
        None,
        ge=70,
        le=1_000_000,
        description="elemental solids of each draw, to train on and to choose the best epoch by; "
        f"null: small {_SMALL.crystals:,}, full {_FULL.crystals:,} as in the paper",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        description=f"passes over the training crystals; null: small {_SMALL.epochs}, full {_FULL.epochs}",
    )
    tested: int | None = Field(
        None,
        ge=1,
        description="crystals of each class in the tables, of elements that are not trained on; "
        f"null: small {_SMALL.tested}, full {_FULL.tested}",
    )
    by_symmetry: int | None = Field(
        None,
        ge=1,
        description="of these, crystals of each class that spglib classifies, too, which takes longer; "
        f"null: small {_SMALL.by_symmetry}, full {_FULL.by_symmetry}",
    )
    asked: int | None = Field(
        None,
        ge=1,
        description="crystals of each point of the other experiments; "
        f"null: small {_SMALL.asked}, full {_FULL.asked}",
    )
    speckle: float = Field(
        1.0,
        ge=0,
        le=4,
        description="contrast of the speckle of the fingerprints of the (perfect) training crystals; 0: none, as in "
        "the paper",
    )
    noise: float = Field(
        0.1, gt=0, description="Å; displacement of the training crystals of trained_with_noise"
    )
    dropouts: int = Field(
        100, ge=2, le=10_000, description="predictions with dropout of each crystal of uncertainty"
    )
    atoms: int = Field(256, ge=32, le=10_000, description="approximate number of atoms of a supercell")
    learning_rate: float = Field(1e-3, gt=0, description="highest learning rate of the networks")
    batch_size: int = Field(32, ge=1, description="samples of a step of the trainings")
    model: ConvNetSettings = Field(ConvNetSettings(), description="shape of the networks")
    threads: int = Field(0, ge=0, description="threads of a training; 0: all available CPUs")
    actors: Actors = 0

    @property
    def scale(self) -> Scale:
        """How much of everything is done."""
        usual = SIZES[self.size]
        return Scale(*(given(getattr(self, name), getattr(usual, name)) for name in Scale._fields))

    def seed_of(self, number: int) -> int:
        """The seed of draw ``number``: of its crystals, its network and its defects."""
        return 1_000 * self.seed + number
