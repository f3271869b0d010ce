"""Settings of a study."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from hpcvox.config import Settings
from hpcvox.errors import did_you_mean
from hpcvox.inputs import Input
from hpcvox.scalars import AsWritten
from hpcvox.training.network import Network, find, known

Value = Annotated[Any, AsWritten]
"""Of a setting of another job, which knows its type."""


class Dimension(Settings):
    """The values that a key may have: ``choices``, or a range; whole numbers where ``low`` and ``high`` are."""

    choices: list[Value] | None = Field(None, min_length=1, description="any values of the key")
    low: int | float | None = Field(None, description="least value of a range")
    high: int | float | None = Field(None, description="greatest value of a range")
    step: int | float | None = Field(None, gt=0, description="from one value of a range to the next")
    log: bool = Field(False, description="all orders of magnitude are as likely")

    @model_validator(mode="after")
    def _one_kind(self) -> "Dimension":
        ranged = self.low is not None and self.high is not None
        if (self.choices is None) != ranged or (
            self.choices is not None and (self.low, self.high) != (None, None)
        ):
            raise ValueError("give choices, or low and high")
        if ranged:
            assert self.low is not None
            assert self.high is not None
            if self.low >= self.high:
                raise ValueError("low is to be below high")
            if self.log and (self.low <= 0 or self.step is not None):
                raise ValueError("log takes a range above 0 without a step")
        return self


class Objective(Settings):
    """A figure of a training that is to become small or large, of the epoch whose weights it keeps."""

    metric: str = Field(
        "held_out/loss",
        pattern=r"^(held_out|train)/\w+$",
        description="column of metrics.jsonl: held_out/NAME or train/NAME",
    )
    direction: Literal["minimize", "maximize"] = Field(
        "minimize", description="which way is better: minimize or maximize"
    )


class Featurization(Settings):
    """How shard sets of a study are made where they are not there."""

    base: Annotated[Path | None, Input()] = Field(None, description="config of featurize; null: the defaults")
    settings: dict[str, Value] = Field({}, description="settings of it on top of base, the same for all sets")
    sets: dict[Path, dict[str, Value]] = Field(
        {}, description="folder of each set, as shards names it, and the settings that are its own"
    )


class DashboardSettings(Settings):
    """``study dashboard``: where it is served."""

    port: int = Field(0, ge=0, le=65535, description="of the loopback, 127.0.0.1; 0: a free one")


class StudySettings(Settings):
    """hpcvox study: trainings with settings drawn from a space by Optuna, to find the best.

    Run it on as many nodes as you like, at once or one after another: each run is a worker, and all work until the
    study has its trials.  Then: hpcvox study best|table|plot|export runs/study.

    Examples:
      hpcvox study verb=train-cgcnn settings.shards=runs/graphs out=runs/study
      hpcvox study configs/study_cgcnn.yaml settings.shards=runs/graphs trials=50
      sbatch slurm/study.sh configs/study_cgcnn.yaml settings.shards=runs/graphs
    """

    out: Path = Field(
        Path("runs/study"),
        description="folder of the study: Optuna's journal (journal.log) and the run of each trial",
    )
    verb: str = Field(
        "train-unet",
        description="the training: train-unet, train-vae, train-r3dvs, train-fingerprint, train-cgcnn, or "
        "train-NETWORK of another package",
    )
    base: Annotated[Path | None, Input()] = Field(
        None, description="config of the training; null: its defaults"
    )
    settings: dict[str, Value] = Field(
        {}, description="settings of the training on top of base, the same in all trials"
    )
    space: dict[str, Dimension] = Field(
        {"learning_rate": Dimension(low=1e-4, high=1e-2, log=True)},
        min_length=1,
        description="keys of the training's settings (group.key, as model.latent) and their values: choices, any "
        "values; or low and high, with a step or on a logarithmic scale; whole numbers are drawn "
        "where low and high are whole",
    )
    featurize: Featurization = Field(
        Featurization(),
        description="how shard sets are made that the study lacks: a study tunes featurization, too, by several "
        "sets as choices of shards, as in configs/study_resolution.yaml; workers make them one after "
        "another before the first trial, slurm/featurize_study.sh submits a job for each",
    )
    objectives: list[Objective] = Field(
        [Objective()],
        min_length=1,
        description="figures of a training, of the epoch whose weights it keeps; several make a Pareto front",
    )
    sampler: Literal["tpe", "random", "nsga2"] = Field(
        "tpe", description="how Optuna chooses: tpe, random, or nsga2 (for several objectives)"
    )
    pruner: Literal["none", "median", "halving", "hyperband"] = Field(
        "median",
        description="how it ends trials that promise little: median, halving, hyperband or none; with one "
        "objective alone",
    )
    warmup_epochs: int = Field(2, ge=0, description="epochs of a trial before it may be ended")
    trials: int = Field(24, ge=1, description="of all workers together; a study can be given more later")
    hours: float | None = Field(
        None, gt=0, description="hours after which a worker begins no more trials; null: any number"
    )
    ranks: int = Field(1, ge=1, description="processes of a trial")
    retries: int = Field(
        3,
        ge=0,
        description="how often a trial whose worker has died is taken up again, from its last checkpoint",
    )
    heartbeat_s: float = Field(
        60, gt=0, description="seconds without a sign of life after which a worker is dead"
    )
    seed: int = Field(
        0, ge=0, description="of the choices; one worker makes the same trials in the same order"
    )

    @property
    def network(self) -> Network:
        """Which is trained."""
        return find(self.verb.removeprefix("train-"))

    @field_validator("verb")
    @classmethod
    def _trains_a_network(cls, verb: str) -> str:
        verbs = [network.verb for network in known().values()]
        if verb not in verbs:
            raise ValueError(f"{did_you_mean(verb, verbs)}valid: {', '.join(verbs)}")
        return verb
