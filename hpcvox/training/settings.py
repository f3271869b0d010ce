"""Settings that every training has."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.shared_settings import HeldOutFraction

RunFolder = Annotated[Path, Field(description="run folder: checkpoints, metrics, the model")]
Epochs = Annotated[int, Field(ge=1, description="passes over the training samples")]
BatchSize = Annotated[int, Field(ge=1, description="samples a rank and step; N ranks see N times as many")]


class TrainSettings(Settings):
    """What every training has in common."""

    network: ClassVar[str]
    """Which network is trained: its name, or ``package.module:NAME`` of one of another package."""
    takes: ClassVar[tuple[str, ...]] = ()
    """Settings that name the run folder of another training."""

    shards: Path = Field(Path("runs/shards"), description="shard set to train on (see: hpcvox featurize)")
    out: RunFolder = Path("runs/train")
    epochs: Epochs = 20
    batch_size: BatchSize = 16
    accumulate: int = Field(1, ge=1, description="batches of a rank whose gradients make one step")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam, at its highest")
    scale_learning_rate: Literal["none", "linear", "sqrt"] = Field(
        "none",
        description="linear: multiply it by the number of ranks and of accumulated batches; sqrt: by the root of "
        "that; none: leave it",
    )
    schedule: Literal["constant", "cosine"] = Field(
        "cosine", description="of the learning rate over the run: cosine, falling to 0, or constant"
    )
    warmup_steps: int = Field(20, ge=0, description="steps over which the learning rate rises from 0")
    clip_norm: float = Field(1.0, ge=0, description="greatest norm of the gradient; 0: no limit")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the network's products: float32 or bfloat16; weights and sums stay float32"
    )
    ema: float = Field(
        0,
        ge=0,
        lt=1,
        description="decay of the mean of the weights that is evaluated and kept, such as 0.999; 0: no mean",
    )
    patience: int = Field(
        0, ge=0, description="epochs without a better held-out figure after which a run ends; 0: any number"
    )
    held_out_fraction: HeldOutFraction = 0.2
    batch_statistics: Literal["rank", "global"] = Field(
        "rank",
        description="BatchNorm, where the network has it, normalises by the batch of its rank, or (global: "
        "slower, exact) by that of all ranks",
    )
    seed: int = Field(0, ge=0, description="of the split, the weights, the order and all else that is drawn")
    ranks: int = Field(
        1, ge=1, description="processes to launch here; inside a launcher's ranks it is ignored"
    )
    backend: Literal["auto", "horovod", "torch"] = Field(
        "auto",
        description="what joins the ranks: horovod, torch (torch.distributed), or auto: Horovod where it is "
        "installed",
    )
    compression: Literal["none", "float16"] = Field(
        "none", description="of gradients between ranks: none or float16"
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="cuda: a GPU a rank; cpu; or auto: GPUs where every rank has one of its own"
    )
    stall_s: float = Field(
        600, gt=0, description="seconds that a rank may keep the others waiting before all of them end"
    )
    threads: int = Field(0, ge=0, description="threads a rank; 0: the CPUs at hand, shared by the ranks")
    checkpoint_steps: int = Field(0, ge=0, description="steps between checkpoints; 0: one an epoch")
    keep_checkpoints: int = Field(2, ge=1, description="latest checkpoints that are kept")
