"""Settings of ``hpcvox campaign``: those of the rounds, and of each verb that they call."""

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
    """``relax``, by CHGNet alone unless told."""

    stages: list[Stage] = Field(
        [Stage(calculator="chgnet")],
        min_length=1,
        description="calculators in their order, as of hpcvox relax; [chgnet] is CHGNet with its defaults",
    )


class BudgetSettings(Settings):
    """What a campaign may use up."""

    core_hours: float | None = Field(
        None,
        gt=0,
        description="hours times CPUs; no round begins that would need more, by those before; null: any number",
    )
    calculations: int | None = Field(
        None, ge=1, description="crystals that are relaxed, all rounds together; null: any number"
    )


class CampaignSettings(Settings):
    """hpcvox campaign: rounds of generate → judge → relax → hull → keep → train on, each with the network of the last.

    What is kept is plausible, relaxed, near the hull, and neither trained on nor found before: a find.  A step takes
    the defaults of its verb (hpcvox VERB --defaults), or what is set below its name.  The folders are below out and
    cannot be set apart.  Run it again and it goes on where it was.

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
    rounds: int = Field(3, ge=1, description="at most; with more of them later it goes on")
    samples: int = Field(
        1000, ge=1, description="candidates a round, shared by the conditions that are drawn for, rounded up"
    )
    keep: float = Field(
        0.1,
        ge=0,
        description="eV/atom above the hull that a find has at most, by every calculator that has a hull",
    )
    references: Annotated[Path | None, Input()] = Field(
        None,
        description="known phases that make the hull, as hpcvox hull has them: a CSV of formulas and energies by the "
        "same calculators (docs/stability.md); null: the table that comes with hpcvox",
    )
    known: Annotated[list[Path], Input()] = Field(
        default_factory=list,
        description="sources of known crystals, which are no finds, as featurize reads them: [a.csv, b/]",
    )
    models: Annotated[list[Path], trained_by("train-cgcnn")] = Field(
        default_factory=list,
        description="run folders of train-cgcnn: properties that are predicted of each find, as by hpcvox screen; "
        "several of one target are an ensemble",
    )
    want: dict[str, tuple[float, float]] = Field(
        {},
        description="targets of models and the values that are wanted, as {band_gap: [1.0, 1.6]}: candidates that are "
        "predicted otherwise are not relaxed, and what finds are predicted once relaxed is counted; where one of them "
        "is the condition of model, its bins that lie there are drawn for",
    )
    min_gain: int = Field(
        1, ge=0, description="new finds of a round below which it is the last; 0: it never is"
    )
    budget: BudgetSettings = Field(BudgetSettings(), description="what all rounds together may use up")
    replay: Annotated[Path | None, Input()] = Field(
        None,
        description="the crystals that model was trained on, with its condition as a column: the finds train beside "
        "them, and what is among them is no find; null: crystals that model draws stand for them",
    )
    replayed: int = Field(1000, ge=0, description="how many of them each training has beside the finds")
    repeat: int = Field(5, ge=1, description="times that a training has each find")
    weights: Literal["previous", "first"] = Field(
        "previous", description="what a training starts from: the network of the round before, or model"
    )
    seed: int = Field(0, ge=0, description="of the latent points; each round has others")
    crystals: Form = Field(
        "folder", description=f"in generate, judge and relax, where these are not told another: {FORM}"
    )
    generate: GenerateSettings = Field(GenerateSettings(), description="latent → candidates")
    judge: JudgeSettings = Field(
        JudgeSettings(), description="candidates → those plausible, distinct and new"
    )
    screen: ScreenSettings = Field(
        ScreenSettings(), description="those → those that are predicted what is wanted"
    )
    relax: CampaignRelaxSettings = Field(CampaignRelaxSettings(), description="those → relaxed")
    featurize: DensitySettings = Field(
        DensitySettings(), description="finds → voxels; as those of model unless set"
    )
    train_vae: TrainVAESettings = Field(
        TrainVAESettings(),
        description="voxels → the network of the next round; condition and shape are those of model",
    )

    @field_validator("want")
    @classmethod
    def _ranges(cls, want: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for name, (low, high) in want.items():
            if low > high:
                raise ValueError(
                    f"{name}: [{low:g}, {high:g}] is from the higher to the lower: write the lower first"
                )
        return want
