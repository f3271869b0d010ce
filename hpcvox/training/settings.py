"""The settings that all trainings have."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hpcvox.config import Overwrite, Settings
from hpcvox.shared_settings import HeldOutFraction

RunFolder = Annotated[Path, Field(description="run folder: checkpoints, metrics, the model")]
Epochs = Annotated[int, Field(ge=1, description="passes over the training samples")]
BatchSize = Annotated[int, Field(ge=1, description="samples per rank and step; N ranks take N times as many")]


class TrainSettings(Settings):
    """The settings that all trainings have."""

    network: ClassVar[str]
    """The network to train: its name, or ``package.module:NAME`` if another package has it."""
    takes: ClassVar[tuple[str, ...]] = ()
    """The settings that name the run folder of another training."""

    shards: Path = Field(Path("runs/shards"), description="shard set to train on (see: hpcvox featurize)")
    out: RunFolder = Path("runs/train")
    overwrite: Overwrite = False
    epochs: Epochs = 20
    batch_size: BatchSize = 16
    accumulate: int = Field(
        1, ge=1, description="batches of each rank whose gradients are added up for one step"
    )
    learning_rate: float = Field(1e-3, gt=0, description="highest learning rate of Adam")
    scale_learning_rate: Literal["none", "linear", "sqrt"] = Field(
        "none",
        description="linear: multiply the learning rate by the number of ranks times accumulated batches; sqrt: by the "
        "square root of that; none: do not change it",
    )
    schedule: Literal["constant", "cosine"] = Field(
        "cosine", description="the learning rate over the run: cosine, falling to 0, or constant"
    )
    warmup_steps: int = Field(20, ge=0, description="steps over which the learning rate rises from 0")
    clip_norm: float = Field(
        1.0, ge=0, description="a gradient with a greater norm is scaled down to it; 0: no limit"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="precision of the network's products: float32 or bfloat16; weights and sums stay float32",
    )
    ema: float = Field(
        0,
        ge=0,
        lt=1,
        description="decay of a running mean of the weights, such as 0.999; the mean is evaluated and exported; 0: no "
        "mean",
    )
    patience: int = Field(
        0, ge=0, description="end the run after this many epochs without a better held-out figure; 0: never"
    )
    held_out_fraction: HeldOutFraction = 0.2
    batch_statistics: Literal["rank", "global"] = Field(
        "rank",
        description="rank: BatchNorm, if the network has it, normalises by the batch of each rank; global: by the "
        "batches of all ranks (exact, slower)",
    )
    seed: int = Field(
        0, ge=0, description="seed of the split, the initial weights, the order and all other draws"
    )
    ranks: int = Field(
        1,
        ge=1,
        description="processes to launch on this machine; ignored if a launcher has started this process",
    )
    backend: Literal["auto", "horovod", "torch"] = Field(
        "auto",
        description="library that joins the ranks: horovod, torch (torch.distributed), or auto: Horovod if it is "
        "installed",
    )
    compression: Literal["none", "float16"] = Field(
        "none", description="compression of the gradients that ranks exchange: none or float16"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="cuda: a GPU for each rank; cpu; or auto: GPUs if every rank has one of its own"
    )
    stall_s: float = Field(
        600, gt=0, description="seconds that a rank may keep the others waiting; then all ranks end"
    )
    threads: int = Field(
        0, ge=0, description="threads of each rank; 0: divide the available CPUs among the ranks"
    )
    checkpoint_steps: int = Field(
        0, ge=0, description="steps between checkpoints; 0: one checkpoint per epoch"
    )
    keep_checkpoints: int = Field(2, ge=1, description="number of newest checkpoints to keep")

    makes = (
        "checkpoints", "tensorboard", "*.safetensors", "metrics.jsonl", "inputs.json", "finished.json",
        "held_out.csv", "examples.npz", "model.json",
    )  # fmt: skip

    def may_change(self) -> frozenset[str]:
        """See :class:`hpcvox.config.Settings`."""
        return frozenset(
            {
                *("epochs", "patience", "ranks", "threads", "checkpoint_steps", "keep_checkpoints"),
                *("examples", "backend", "device", "stall_s"),
            }
        )
