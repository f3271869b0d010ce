"""What the experiments share: the trainings of the networks, as steps, and where each keeps its run folder."""

from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from hpcvox.files.summary import Part
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.reproduction.court.sets import ENERGY, Property, Sets
from hpcvox.reproduction.court.settings import CourtSettings
from hpcvox.reproduction.steps import SHORT, Step, Steps, digest
from hpcvox.reproduction.training import train
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import WEIGHTS, Card, read_card
from hpcvox.training.folder.metrics import HELD_OUT, metrics_of
from hpcvox.training.settings import TrainSettings

BINS: Final = 10
"""Deciles of the formation energy."""

PAPER_ALPHA: Final = 1.0
LEAN_ALPHA: Final = 0.03
"""Weights of the DFC loss."""

LEAN: Final[dict[str, Any]] = {
    "learning_rate": 2e-3,
    "ema": 0.99,
    "precision": "bfloat16",
    "warmup_steps": 20,
}
"""How lean UNets and VAEs are trained; else as ``train-unet`` and ``train-vae`` do it by default."""

PAPER: Final[dict[str, Any]] = {"schedule": "constant", "warmup_steps": 0, "clip_norm": 0.0}
"""How the paper's are trained, besides their rates and batches (Table 6)."""

LEAN_VOXELS: Final = 192
"""Of each sample, in the element loss of a lean UNet."""

FREE: Final = {"out", "overwrite", "shards", "unet", "initial", "vae", "threads", "keep_checkpoints"}
"""Settings of a training that do not decide its result, or are settled by the steps that it needs."""


class System(NamedTuple):
    """A pipeline of Table 5."""

    name: str
    label: str
    widths: str
    """A key of :data:`SIGMAS`."""
    dfc: bool


PLAIN: Final = System("plain", "VAE without DFC, σ = 1.0", "sigma-1", False)
DFC: Final = System("dfc", "DFC-VAE, σ = 1.0", "sigma-1", True)
WHOLE: Final = System("whole", "DFC-VAE, σ = r", "sigma-r", True)
SYSTEMS: Final = (PLAIN, DFC, WHOLE)


class Trained(Part):
    """A network that is there."""

    figures: dict[str, float]
    """On held-out samples, after the best epoch."""
    epoch: int
    """The best one."""
    trained: int
    """Samples."""
    held_out: int


class Network(NamedTuple):
    """A training, and the run folder that it leaves."""

    step: Step[Trained]
    folder: Path


class Bench(NamedTuple):
    """The networks of the experiments; a draw has another split of the crystals, and other weights at the start."""

    settings: CourtSettings
    sets: Sets
    steps: Steps

    @property
    def draws(self) -> range:
        """Their numbers."""
        return range(self.settings.scale.draws)

    def seed(self, draw: int) -> int:
        """The seed of a draw: of the split, and of all networks and samples."""
        return 1000 * self.settings.seed + draw

    def unet(self, draw: int, widths: str) -> Network:
        """The UNet of a draw for Gaussians of these widths."""
        scale = self.settings.scale
        usual: dict[str, Any] = {**LEAN, "species_voxels": LEAN_VOXELS}
        if scale.papers:
            usual = {
                **PAPER,
                "learning_rate": 3e-6,
                "batch_size": 10,
                "species_weight": 1.0,
                "species_voxels": 0,
            }
        job = TrainUNetSettings(
            model=self.settings.unet_shape, epochs=scale.unet_epochs, **usual, **self._common(draw)
        )
        return self._network(f"unet-{widths}", draw, job, self.sets.densities[widths], {})

    def vae(self, draw: int, system: System) -> Network:
        """The VAE of a draw; its loss has the features of the UNet where the system has DFC."""
        scale = self.settings.scale
        usual: dict[str, Any] = LEAN
        if scale.papers:
            usual = {**PAPER, "learning_rate": 1e-4, "batch_size": 20}
        job = TrainVAESettings(
            model=self.settings.vae_shape,
            epochs=scale.vae_epochs,
            condition=ENERGY,
            bins=BINS,
            alpha=PAPER_ALPHA if scale.papers else LEAN_ALPHA,
            flow_steps=0,
            examples=0,
            **usual,
            **self._common(draw),
        )
        needs = {"unet": self.unet(draw, system.widths)} if system.dfc else {}
        return self._network(f"vae-{system.name}", draw, job, self.sets.densities[system.widths], needs)

    def cgcnn(self, draw: int, one: Property) -> Network:
        """The network of a property; all but those of the energies start from that of the formation energy."""
        scale = self.settings.scale
        usual: dict[str, Any] = {"held_out_fraction": 0.1, "batch_size": 256, **PAPER}
        if not scale.papers:
            usual = {"batch_size": 64, "learning_rate": 2e-3}
        job = TrainCGCNNSettings(
            target=one.name, log=one.log, epochs=scale.cgcnn_epochs, **usual, **self._common(draw)
        )
        alone = one.name in ("formation_energy", "total_energy")
        first = Property("formation_energy", "", "", False)
        needs = {} if alone else {"initial": self.cgcnn(draw, first)}
        return self._network(f"cgcnn-{one.name}", draw, job, self.sets.graphs, needs)

    def _common(self, draw: int) -> dict[str, Any]:
        return {
            "seed": self.seed(draw),
            "threads": self.settings.threads,
            "overwrite": True,
            "keep_checkpoints": 1,
        }

    def _network(
        self,
        name: str,
        draw: int,
        job: TrainSettings,
        shards: tuple[Step[Any], Path],
        needs: dict[str, Network],
    ) -> Network:
        """The training ``job`` on ``shards``, with the networks that it takes by their settings."""
        made, folder = shards
        settled = [
            *(type(job).network, job.model_dump(mode="json", exclude=FREE), made.settled),
            {key: one.step.settled for key, one in needs.items()},
        ]
        out = self.settings.folder / "networks" / f"{name}.draw-{draw}.{digest(settled)[:SHORT]}"
        taken = {key: one.folder for key, one in needs.items()}
        job = job.model_copy(update={"shards": folder, "out": out, **taken})
        step = Step(
            f"networks/draw-{draw}/{name}",
            Trained,
            settled,
            partial(_trained, job),
            (out / WEIGHTS,),
            (made, *(one.step for one in needs.values())),
        )
        return Network(step, out)


def _trained(job: TrainSettings, place: Path) -> Trained:
    """Train, or go on with what the run folder holds."""
    train(job, place / "training.log")
    best = min(metrics_of(job.out).lines, key=lambda line: float(line[f"{HELD_OUT}loss"]))
    shards, card = ShardSet.open(job.shards), read_card(job.out, Card)
    out = card.run.held_out(shards.formulas)
    return Trained(
        figures={
            key.removeprefix(HELD_OUT): float(value)
            for key, value in best.items()
            if key.startswith(HELD_OUT)
        },
        epoch=best["epoch"],
        trained=int((~out).sum()),
        held_out=int(out.sum()),
    )
