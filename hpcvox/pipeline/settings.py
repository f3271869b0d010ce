"""The settings of the pipeline: those of every stage."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import FORM, Form
from hpcvox.database.settings import DatabaseSettings
from hpcvox.errors import did_you_mean
from hpcvox.experiments.evaluate.settings import EvaluateSettings
from hpcvox.featurize.settings import DensitySettings, GraphSettings
from hpcvox.generation.settings import GenerateSettings, JudgeSettings
from hpcvox.inputs import Input
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.pipeline.stages import STAGES
from hpcvox.relaxation.settings import RelaxSettings
from hpcvox.report.settings import ReportSettings
from hpcvox.screening.settings import ScreenSettings
from hpcvox.training.settings import Epochs


class FinetuneUNetSettings(TrainUNetSettings):
    """``train-unet`` once more, from the first UNet and with what the VAE decodes."""

    epochs: Epochs = 5


class PipelineSettings(Settings):
    """hpcvox pipeline: from crystals to new crystals and a report.

    A stage takes the defaults of its verb (hpcvox VERB --defaults), or what is set below its name; what is not set may
    follow another stage, as the comments say.  The folders of the stages are below out and cannot be set apart.

    Examples:
      hpcvox pipeline configs/pipeline.yaml source=my_crystals.csv train_vae.condition=my_energy out=runs/mine
      hpcvox pipeline configs/pipeline.yaml relax.stages=[chgnet] train_unet={}
    """

    groups_as_given = True

    out: Path = Field(Path("runs/pipeline"), description="folder of everything")
    source: Annotated[Path | None, Input()] = Field(
        None, description="crystals to use in place of the built-in ones (see featurize.source)"
    )
    database: DatabaseSettings = Field(DatabaseSettings(), description="built-in crystals")
    featurize: DensitySettings = Field(DensitySettings(), description="crystals → voxels")
    featurize_graph: GraphSettings = Field(
        GraphSettings(), description="crystals → graphs; columns as in featurize unless set"
    )
    train_unet: TrainUNetSettings | None = Field(
        None,
        description="density → elements: as in the paper, its features enter the VAE's loss, and it names the elements "
        "of what the VAE decodes; null: the VAE names them itself",
    )
    train_vae: TrainVAESettings = Field(TrainVAESettings(), description="density → latent → density")
    finetune_unet: FinetuneUNetSettings | None = Field(
        FinetuneUNetSettings(),
        description="a UNet goes on with what the VAE decodes; as train_unet unless set; null: not done",
    )
    train_cgcnn: TrainCGCNNSettings = Field(
        TrainCGCNNSettings(), description="graph → property; target as train_vae.condition unless set"
    )
    evaluate: EvaluateSettings = Field(EvaluateSettings(), description="errors on held-out crystals")
    generate: GenerateSettings = Field(GenerateSettings(), description="latent → crystals")
    judge: JudgeSettings = Field(
        JudgeSettings(), description="candidates → those plausible, distinct and not in the training set"
    )
    screen: ScreenSettings | None = Field(
        ScreenSettings(),
        description="the property of those; null: neither it nor featurize_graph and train_cgcnn",
    )
    relax: RelaxSettings | None = Field(
        None,
        description="candidates that judge and screen left → relaxed; null: not done; relax.stages=[chgnet] does it "
        "by CHGNet (settings: hpcvox relax --help)",
    )
    report: ReportSettings = Field(ReportSettings(), description="one HTML file")
    crystals: Form = Field(
        "folder",
        description=f"in generate, judge, screen and relax, where these are not told another: {FORM}",
    )
    until: str | None = Field(
        None, description="last step, with those that it needs and no others; null: all, up to the report"
    )

    @field_validator("until")
    @classmethod
    def _is_a_stage(cls, until: str | None) -> str | None:
        names = [stage.name for stage in STAGES]
        if until is not None and until not in names:
            raise ValueError(f"{did_you_mean(until, names)}valid: {', '.join(names)}")
        return until
