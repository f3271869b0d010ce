"""Leads a campaign towards a property: which values are wanted, and what networks predict of candidates and finds."""

from pathlib import Path

from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.networks.cgcnn.card import CGCNNCard
from hpcvox.networks.vae.card import VAECard
from hpcvox.rounds import reading
from hpcvox.rounds.folders import CIFS, Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import predicted_column
from hpcvox.screening.columns import column_of
from hpcvox.screening.settings import ScreenSettings
from hpcvox.screening.summary import PROPERTIES, Column, identifier
from hpcvox.training.folder.card import read_card


def targets(settings: CampaignSettings) -> list[str]:
    """The properties that ``models`` predict, sorted by name.

    Raises:
        CheckpointError: one of ``models`` is no CGCNN.
    """
    return sorted({read_card(model, CGCNNCard).target for model in settings.models})


def refuse_unknown(settings: CampaignSettings) -> None:
    """Raise :class:`ConfigError` if a property is wanted that no network predicts."""
    known = targets(settings)
    for name in settings.want:
        if name not in known:
            valid = ", ".join(known) or "none, for models=[]"
            raise ConfigError(
                f"want: no network of models predicts {name}: {did_you_mean(name, known)}valid: {valid}"
            )


def deciles(settings: CampaignSettings, card: VAECard) -> list[int]:
    """The conditions that candidates are drawn for, as numbers of bins.

    They are those of ``generate.conditions``; if that is not set, the bins that overlap the wanted range; or all.

    Raises:
        ConfigError: the network has no such condition.
    """
    everything = range(card.conditions)
    given = settings.generate.conditions
    if given is None and card.condition in settings.want:
        low, high = settings.want[card.condition]
        # a value beyond the outer edges is in an outer bin
        edges = [float("-inf"), *card.edges[1:-1], float("inf")]
        return [decile for decile in everything if edges[decile] <= high and edges[decile + 1] > low]
    chosen = list(everything if given is None else given)
    if max(chosen) >= card.conditions:
        raise ConfigError(
            f"generate.conditions: {settings.model} has no condition {max(chosen)}: valid: 0 to {card.conditions - 1}"
        )
    return chosen


def screen(settings: CampaignSettings, place: Round) -> ScreenSettings:
    """Settings of the ``screen`` that chooses the candidates whose wanted properties are predicted in their range."""
    where = " and ".join(
        f"{low!r} <= {identifier(column_of(name))} <= {high!r}" for name, (low, high) in settings.want.items()
    )
    return _of(settings, place.chosen / CIFS, place.screened, where)


def predict(settings: CampaignSettings, place: Round) -> ScreenSettings:
    """Settings of the ``screen`` that predicts the properties of all relaxed crystals."""
    return _of(settings, place.relaxed / CIFS, place.predicted, None)


def predictions(settings: CampaignSettings, place: Round) -> dict[str, dict[str, str]]:
    """The predicted properties of each relaxed crystal: by its id, then by their columns of ``finds.csv``."""
    columns = {predicted_column(target): column_of(target) for target in targets(settings)}
    return {
        row[Column.ID]: {ours: row[theirs] for ours, theirs in columns.items()}
        for row in reading.rows(place.predicted / PROPERTIES)
    }


def is_wanted(settings: CampaignSettings, predicted: dict[str, str]) -> bool:
    """Whether every wanted property of a crystal is predicted, and lies in its range.

    Args:
        settings: those of the campaign.
        predicted: the predictions of the crystal, by their columns of ``finds.csv``; empty if there is none.
    """
    return all(
        (text := predicted.get(predicted_column(name), "")) != "" and low <= float(text) <= high
        for name, (low, high) in settings.want.items()
    )


def source(settings: CampaignSettings, place: Round) -> Path:
    """The folder of the candidates that are to be relaxed."""
    return (place.screened if settings.want else place.chosen) / CIFS


def is_empty(folder: Path) -> bool:
    """Whether a folder, or the zip in its place, has no crystals."""
    return not CifSet(folder).names()


def _of(settings: CampaignSettings, source: Path, out: Path, where: str | None) -> ScreenSettings:
    group = settings.screen
    crystals = group.crystals if "crystals" in group.model_fields_set else settings.crystals
    ours = {"source": source, "out": out, "models": settings.models, "where": where, "crystals": crystals}
    return group.model_copy(update=ours)
