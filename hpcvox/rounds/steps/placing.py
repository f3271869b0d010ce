"""The settings of each step of a round: its folders, and what it takes over where it is not set by hand."""

import math
from pathlib import Path
from typing import Any, Final, TypeVar

from hpcvox import config
from hpcvox.config import Settings
from hpcvox.errors import ConfigError, ShardError
from hpcvox.featurize.settings import DensitySettings
from hpcvox.generation.settings import GenerateSettings, JudgeSettings
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.relaxation.settings import RelaxSettings
from hpcvox.rounds.folders import REPLAY, Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.steps import aiming
from hpcvox.shards.manifest import Manifest
from hpcvox.stability.settings import HullSettings

S = TypeVar("S", bound=Settings)

OURS: Final = {
    "generate": ("vae", "out", "per_condition", "seed"),
    "judge": ("generated", "known", "out"),
    "screen": ("source", "models", "where", "out", "id_column", "cif_column"),
    "relax": ("source", "out", "known", "formation_energy", "id_column", "cif_column"),
    "featurize": ("source", "out", "id_column", "cif_column", "targets", "targets_file"),
    "train_vae": ("shards", "out", "initial", "unet", "model", "condition", "bins", "edges"),
}
"""What of a group the campaign itself decides."""

REPLAY_SEED: Final = 1_000_003
"""Added to the seed where crystals are drawn that stand for those of the first training: no round has these."""

ID, ROLE, CIF = "id", "role", "cif"
"""Columns of the table of training crystals, beside that of the condition."""


def refuse_set_by_hand(settings: CampaignSettings) -> None:
    """Raises :class:`ConfigError` where a group has what the campaign decides."""
    for name, keys in OURS.items():
        group: Settings = getattr(settings, name)
        if by_hand := sorted(set(keys) & group.model_fields_set):
            raise ConfigError(
                f"{name}.{by_hand[0]}: a campaign sets that itself: its folders are below out={settings.out}, the "
                "network is that of the round before, and model, samples, seed, known, replay say the rest"
            )


def parent(settings: CampaignSettings, place: Round) -> Path:
    """The network that a round draws with."""
    return settings.model if place.number == 1 else place.before.vae


def generate(settings: CampaignSettings, place: Round, card: VAECard) -> GenerateSettings:
    """Of a round's ``generate``."""
    drawn = aiming.deciles(settings, card)
    return _of(
        settings,
        settings.generate,
        vae=parent(settings, place),
        out=place.generated,
        conditions=drawn,
        per_condition=math.ceil(settings.samples / len(drawn)),
        seed=settings.seed + place.number - 1,
    )


def judge(settings: CampaignSettings, place: Round) -> JudgeSettings:
    """Of a round's ``judge``."""
    return _of(settings, settings.judge, generated=place.generated, out=place.judged, known=known(settings))


def known(settings: CampaignSettings) -> list[Path]:
    """Sources of crystals that are no finds."""
    return [*settings.known, *([] if settings.replay is None else [settings.replay])]


def relax(settings: CampaignSettings, place: Round, left: int | None) -> RelaxSettings:
    """Of a round's ``relax``; ``left`` is how many crystals the budget lets it take, None for all."""
    limits = [n for n in (settings.relax.limit, left) if n]
    return _of(
        settings,
        settings.relax,
        source=aiming.source(settings, place),
        out=place.relaxed,
        limit=min(limits, default=0),
    )


def hull(settings: CampaignSettings, place: Round) -> HullSettings:
    """Of a round's ``hull``."""
    return HullSettings(
        relaxed=place.relaxed, out=place.hull, references=settings.references, metastable=settings.keep
    )


def featurize(settings: CampaignSettings, place: Round, card: VAECard) -> DensitySettings:
    """Of a round's ``featurize``: voxels as the network was trained on.

    Raises:
        ConfigError: they are none that these settings know.
    """
    group = settings.featurize
    by_hand = group.model_dump(mode="json", include=group.model_fields_set)
    targets = [] if card.condition is None else [card.condition]
    ours = {"source": str(place.training), "out": str(place.shards), "targets": targets}
    columns = {"id_column": ID, "cif_column": CIF}
    tree = {**_descriptor(settings, card), **by_hand, **ours, **columns}
    return config.validate(DensitySettings, tree, f"the card of {settings.model}")


def _descriptor(settings: CampaignSettings, card: VAECard) -> dict[str, Any]:
    """How the crystals of the first training became voxels."""
    if card.descriptor:
        return dict(card.descriptor)
    try:  # a card of before they were kept
        return dict(Manifest.load(Path(card.run.shards)).settings)
    except ShardError as error:
        raise ConfigError(
            f"model: how the training of {settings.model} made voxels is not known: {error}"
        ) from None


def train_vae(settings: CampaignSettings, place: Round, card: VAECard) -> TrainVAESettings:
    """Of a round's ``train-vae``: conditions go on meaning what they meant."""
    first = settings.weights == "first"
    return _of(
        settings,
        settings.train_vae,
        shards=place.shards,
        out=place.vae,
        initial=settings.model if first else parent(settings, place),
        model=card.model,
        condition=card.condition,
        bins=card.conditions,
        edges=None if card.condition is None else card.edges,
    )


def replay_generate(settings: CampaignSettings, card: VAECard) -> GenerateSettings:
    """Draws what stands for the crystals of the first training: a fifth more than is wanted, of every condition."""
    return _of(
        settings,
        settings.generate,
        vae=settings.model,
        out=settings.out / REPLAY / "generated",
        conditions=None,
        per_condition=math.ceil(1.2 * settings.replayed / card.conditions),
        seed=settings.seed + REPLAY_SEED,
    )


def replay_judge(settings: CampaignSettings) -> JudgeSettings:
    """Chooses those of them that can be real crystals."""
    folder = settings.out / REPLAY
    return _of(
        settings,
        settings.judge,
        generated=folder / "generated",
        out=folder / "judged",
        known=[],
        reference=None,
    )


def _of(settings: CampaignSettings, group: S, **ours: Any) -> S:
    """A group with what the campaign decides, and the form of its crystals where it has none of its own."""
    if "crystals" in type(group).model_fields and "crystals" not in group.model_fields_set:
        ours["crystals"] = settings.crystals
    return group.model_copy(update=ours)
