"""Settings of ``hpcvox campaign``: its own, and those of each verb that it runs."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import FORM, Form
from hpcvox.featurize.settings import DensitySettings
from hpcvox.generation.settings import GenerateSettings, JudgeSettings
from hpcvox.inputs import Input
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.relaxation.settings import RelaxSettings, Stage
from hpcvox.screening.settings import ScreenSettings
from hpcvox.training.folder.shipped import trained_by


class CampaignRelaxSettings(RelaxSettings):
    """Settings of ``relax``; by default it takes CHGNet alone."""

    stages: list[Stage] = Field(
        [Stage(calculator="chgnet")],
        min_length=1,
        description="calculators in their order, as of hpcvox relax; [chgnet] is CHGNet with its defaults",
    )


class BudgetSettings(Settings):
    """What all rounds of a campaign together may use up."""

    core_hours: float | None = Field(
        None,
        gt=0,
        description="hours times CPUs; no round begins that would exceed them, going by the mean of the rounds before; "
        "null: any number",
    )
    calculations: int | None = Field(
        None, ge=1, description="how many crystals all rounds together may relax; null: any number"
    )


class FinalSettings(Settings):
    """The final selection: the best finds relax once more, by calculators that are too slow for all candidates."""

    stages: list[Stage] = Field(
        [],
        description="calculators in their order, as of hpcvox relax: [gpaw] is density-functional theory; each "
        "starts from the find as it is relaxed; []: no final selection",
    )
    most: int = Field(20, ge=1, description="so many finds, those lowest above the hull first")


class CampaignSettings(Settings):
    """hpcvox campaign: rounds of generate → judge → relax → hull → keep → train on, each with the network of the last.

    A crystal is kept as a find if it is plausible, relaxed, near the hull, and neither known, trained on nor found
    before.  A step takes the defaults of its verb (hpcvox VERB --defaults) unless a key is set below its name.  All
    folders are below out and cannot be set one by one.  Run it again and it goes on where it was.

    Examples:
      hpcvox campaign configs/campaign.yaml out=runs/campaign
      hpcvox campaign configs/campaign.yaml model=runs/vae replay=my_crystals.csv rounds=5 samples=2000
      hpcvox campaign status runs/campaign
    """

    groups_as_given = True

    out: Path = Field(
        Path("runs/campaign"), description="folder of everything: finds.csv, cifs/, round-001/ ..."
    )
    model: Annotated[Path, trained_by("train-vae")] = Field(
        Path("perovskites"), description="run folder of the VAE that the first round draws with"
    )
    rounds: int = Field(3, ge=1, description="most rounds; with a larger number the same folder goes on")
    samples: int = Field(
        1000,
        ge=1,
        description="candidates of a round, equally many for each condition that is drawn for, rounded up",
    )
    keep: float = Field(
        0.1,
        ge=0,
        description="a find is at most this many eV/atom above the hull, by every calculator that has a hull",
    )
    references: Annotated[Path | None, Input()] = Field(
        None,
        description="known phases that make the hull: a CSV of formulas and energies by the same calculators, as "
        "hpcvox hull reads it (docs/stability.md); null: the table that comes with hpcvox",
    )
    known: Annotated[list[Path], Input()] = Field(
        default_factory=list,
        description="sources of known crystals, as featurize reads them: [a.csv, b/]; what matches one of these "
        "crystals is no find",
    )
    models: Annotated[list[Path], trained_by("train-cgcnn")] = Field(
        default_factory=list,
        description="run folders of train-cgcnn: these networks predict properties of each find, as in hpcvox screen; "
        "several with the same target are an ensemble",
    )
    want: dict[str, tuple[float, float]] = Field(
        {},
        description="targets of models, each with the range that is wanted: {band_gap: [1.0, 1.6]}; candidates that "
        "are predicted to lie outside are not relaxed, and the finds that are predicted to lie inside after their "
        "relaxation are counted; if a target is the condition of model, candidates are drawn for the bins that "
        "overlap its range",
    )
    min_gain: float = Field(
        0.005,
        ge=0,
        description="a round that brings fewer finds is the last one: a share of its samples or, from 1 on, a number "
        "of finds; 0: no round is",
    )
    budget: BudgetSettings = Field(BudgetSettings(), description="what all rounds together may use up")
    final: FinalSettings = Field(
        FinalSettings(), description="the best finds of all rounds once more, when the last round is done"
    )
    replay: Annotated[Path | None, Input()] = Field(
        None,
        description="the crystals that model was trained on, with its condition as a column: each training has some of "
        "them beside the finds, and what matches one of them is no find; null: those of its shard set or, if that is "
        "not there, crystals that model draws in their place",
    )
    replayed: int = Field(
        1000, ge=0, description="how many of these crystals each training has beside the finds"
    )
    repeat: int = Field(5, ge=1, description="how many times a training has each find")
    weights: Literal["previous", "first"] = Field(
        "previous",
        description="what a training starts from: previous: the network of the round before; first: model",
    )
    seed: int = Field(0, ge=0, description="seed of the latent points; each round takes the next number")
    crystals: Form = Field(
        "folder", description=f"for generate, judge, screen and relax, unless they set their own: {FORM}"
    )
    generate: GenerateSettings = Field(GenerateSettings(), description="latent → candidates")
    judge: JudgeSettings = Field(
        JudgeSettings(), description="candidates → those that are plausible, distinct and new"
    )
    screen: ScreenSettings = Field(
        ScreenSettings(), description="those → those that are predicted to lie in the ranges of want"
    )
    relax: CampaignRelaxSettings = Field(CampaignRelaxSettings(), description="those → relaxed crystals")
    featurize: DensitySettings = Field(
        DensitySettings(),
        description="training crystals → voxels, made as those of model unless a key is set",
    )
    train_vae: TrainVAESettings = Field(
        TrainVAESettings(),
        description="voxels → the network of the next round; condition and layers are those of model",
    )

    @field_validator("want")
    @classmethod
    def _ranges(cls, want: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for name, (low, high) in want.items():
            if low > high:
                raise ValueError(
                    f"{name}: [{low:g}, {high:g}] begins with the higher value: write the lower first"
                )
        return want
