"""Makes the settings of each step of a round: its folders, and what the campaign decides for it."""

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
"""The keys of each group that the campaign itself decides."""

REPLAY_SEED: Final = 1_000_003
"""Added to the seed for the crystals that replace those of the first training; no round has such a seed."""

ID, ROLE, CIF = "id", "role", "cif"
"""Columns of the table of training crystals, beside that of the condition."""

AS_DRAWN: Final = "find-as-drawn"
"""The role of a find that trains in the form in which it was drawn."""


def refuse_set_by_hand(settings: CampaignSettings) -> None:
    """Raise :class:`ConfigError` if the user has set a key that the campaign decides."""
    for name, keys in OURS.items():
        group: Settings = getattr(settings, name)
        if by_hand := sorted(set(keys) & group.model_fields_set):
            raise ConfigError(
                f"{name}.{by_hand[0]}: a campaign sets that itself: all folders are below out={settings.out}, and each "
                "round takes the network of the round before; you can set model, samples, seed, known and replay"
            )


def parent(settings: CampaignSettings, place: Round) -> Path:
    """The run folder of the network that a round draws with."""
    return settings.model if place.number == 1 else place.before.vae


def generate(settings: CampaignSettings, place: Round, card: VAECard) -> GenerateSettings:
    """The settings of a round's ``generate``.

    Raises:
        ConfigError: the network has no such condition.
    """
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
    """The settings of a round's ``judge``."""
    return _of(settings, settings.judge, generated=place.generated, out=place.judged, known=known(settings))


def known(settings: CampaignSettings) -> list[Path]:
    """The sources of known crystals: none of them is a find."""
    return [*settings.known, *([] if settings.replay is None else [settings.replay])]


def relax(settings: CampaignSettings, place: Round, left: int | None) -> RelaxSettings:
    """The settings of a round's ``relax``.

    Args:
        settings: those of the campaign.
        place: the round.
        left: how many crystals the budget still lets it relax; None: all.
    """
    limits = [n for n in (settings.relax.limit, left) if n]
    return _of(
        settings,
        settings.relax,
        source=aiming.source(settings, place),
        out=place.relaxed,
        limit=min(limits, default=0),
    )


def hull(settings: CampaignSettings, place: Round) -> HullSettings:
    """The settings of a round's ``hull``."""
    return HullSettings(
        relaxed=place.relaxed,
        out=place.hull,
        references=settings.references,
        metastable=settings.keep,
        actors=settings.judge.actors,
    )


def featurize(settings: CampaignSettings, place: Round, card: VAECard) -> DensitySettings:
    """The settings of a round's ``featurize``; it makes the same kind of voxels that ``model`` was trained on.

    Raises:
        ConfigError: it is not known how these voxels were made, or the settings cannot be combined with theirs.
    """
    group = settings.featurize
    by_hand = group.model_dump(mode="json", include=group.model_fields_set)
    targets = [] if card.condition is None else [card.condition]
    ours = {"source": str(place.training), "out": str(place.shards), "targets": targets}
    columns = {"id_column": ID, "cif_column": CIF}
    tree = {**_descriptor(settings, card), **by_hand, **ours, **columns}
    return config.validate(DensitySettings, tree, f"the card of {settings.model}")


def _descriptor(settings: CampaignSettings, card: VAECard) -> dict[str, Any]:
    """The settings that made the voxels of the first training."""
    if card.descriptor:
        return dict(card.descriptor)
    # cards of older versions do not have them
    try:
        return dict(Manifest.load(Path(card.run.shards)).settings)
    except ShardError as error:
        raise ConfigError(
            f"model: it is not known how the voxels were made that {settings.model} was trained on: {error}"
        ) from None


def train_vae(settings: CampaignSettings, place: Round, card: VAECard) -> TrainVAESettings:
    """The settings of a round's ``train-vae``; it keeps the bins of the condition, so that each means what it did."""
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
    """The settings of the ``generate`` that draws crystals in place of those of the first training.

    It draws for every condition, and a fifth more crystals than are replayed, since ``judge`` loses some.
    """
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
    """The settings of the ``judge`` that chooses the plausible ones of these crystals."""
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
    """A group with the keys ``ours``, and with the campaign's ``crystals`` unless the group sets its own."""
    if "crystals" in type(group).model_fields and "crystals" not in group.model_fields_set:
        ours["crystals"] = settings.crystals
    return group.model_copy(update=ours)
