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
"""A value of another job's setting, whose type that job knows."""


class Dimension(Settings):
    """The values of a key: ``choices``, or a range, with whole numbers if ``low`` and ``high`` are whole."""

    choices: list[Value] | None = Field(None, min_length=1, description="any values of the key")
    low: int | float | None = Field(None, description="least value of a range")
    high: int | float | None = Field(None, description="greatest value of a range")
    step: int | float | None = Field(None, gt=0, description="difference of neighbouring values of a range")
    log: bool = Field(False, description="draw on a logarithmic scale")

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
                raise ValueError("low must be below high")
            if self.log and (self.low <= 0 or self.step is not None):
                raise ValueError("log needs a range above 0 without a step")
        return self


class Objective(Settings):
    """A figure of a training to minimise or maximise, of the epoch whose weights it exports."""

    metric: str = Field(
        "held_out/loss",
        pattern=r"^(held_out|train)/\w+$",
        description="column of metrics.jsonl: held_out/NAME or train/NAME",
    )
    direction: Literal["minimize", "maximize"] = Field(
        "minimize", description="which way is better: minimize or maximize"
    )


class Featurization(Settings):
    """How to make shard sets of a study that do not exist."""

    base: Annotated[Path | None, Input()] = Field(None, description="config of featurize; null: the defaults")
    settings: dict[str, Value] = Field({}, description="settings of it on top of base, the same for all sets")
    sets: dict[Path, dict[str, Value]] = Field(
        {}, description="for each set its folder, as in shards, and the settings that only it has"
    )


class DashboardSettings(Settings):
    """The settings of ``study dashboard``."""

    port: int = Field(0, ge=0, le=65535, description="port on the loopback address 127.0.0.1; 0: a free one")


class StudySettings(Settings):
    """hpcvox study: run trainings with settings that Optuna draws from a space, to find the best ones.

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
        description="how to make missing shard sets; a study can also tune the featurization, with several sets as "
        "choices of shards, as in configs/study_resolution.yaml; workers make the sets one after another before the "
        "first trial, and slurm/featurize_study.sh submits a job for each",
    )
    objectives: list[Objective] = Field(
        [Objective()],
        min_length=1,
        description="figures to minimise or maximise, of the epoch whose weights a training exports; several give a "
        "Pareto front",
    )
    sampler: Literal["tpe", "random", "nsga2"] = Field(
        "tpe", description="how Optuna chooses: tpe, random, or nsga2 (for several objectives)"
    )
    pruner: Literal["none", "median", "halving", "hyperband"] = Field(
        "median",
        description="how Optuna ends unpromising trials early: median, halving, hyperband or none; only with one "
        "objective alone",
    )
    warmup_epochs: int = Field(2, ge=0, description="epochs of a trial before it may be ended")
    trials: int = Field(
        24, ge=1, description="number of trials of all workers together; you can raise it later"
    )
    hours: float | None = Field(
        None, gt=0, description="hours after which a worker begins no more trials; null: no limit"
    )
    ranks: int = Field(1, ge=1, description="processes of a trial")
    retries: int = Field(
        3,
        ge=0,
        description="how often a trial is continued from its last checkpoint after its worker has died",
    )
    heartbeat_s: float = Field(
        60, gt=0, description="seconds without a sign of life after which a worker counts as dead"
    )
    seed: int = Field(
        0, ge=0, description="seed of the choices; a single worker makes the same trials in the same order"
    )

    @property
    def network(self) -> Network:
        """The network that the study trains."""
        return find(self.verb.removeprefix("train-"))

    @field_validator("verb")
    @classmethod
    def _trains_a_network(cls, verb: str) -> str:
        verbs = [network.verb for network in known().values()]
        if verb not in verbs:
            raise ValueError(f"{did_you_mean(verb, verbs)}valid: {', '.join(verbs)}")
        return verb
