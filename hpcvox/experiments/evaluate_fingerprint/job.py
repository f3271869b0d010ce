"""``hpcvox evaluate-fingerprint``: Tables S1 and S2 of Ziletti et al. 2018 for a trained network and any crystals.

Each crystal is classified without defects, and with each amount of each defect; the right class is that of the crystal
without defects.  spglib also classifies the same supercells by their space group, with the paper's three tolerances.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from matplotlib.figure import Figure

from hpcvox import config
from hpcvox.actors.campaign import Campaign, in_order, parts_of
from hpcvox.actors.pool import actor_pool
from hpcvox.crystals.record import Entry
from hpcvox.crystals.sources.digest import entries_digest
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import ConfigError
from hpcvox.experiments.evaluate_fingerprint.settings import EvaluateFingerprintSettings
from hpcvox.experiments.evaluate_fingerprint.worker import (
    TOLERANCES,
    Condition,
    DefectsWorker,
    Row,
    conditions,
)
from hpcvox.files import durable, earlier
from hpcvox.files.kept_parts import KeptParts
from hpcvox.networks.fingerprint.at_work import DEFECTS, descriptor
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS, Outcome, rejects_told
from hpcvox.shards.layout import REJECT_COLUMNS, REJECTS
from hpcvox.terminal import counted
from hpcvox.training.folder.runs import load_model

PART: Final = 16
"""Crystals in a part; an interruption loses at most one part."""

UNITS: Final = {
    "displacement": "σ (Å)",
    "vacancies": "vacancies (share)",
    "substitutions": "substituted (share)",
}


def run(settings: EvaluateFingerprintSettings) -> Outcome:
    """Write ``accuracy.csv``, ``accuracy.png``, ``per_crystal.csv`` and ``rejects.csv`` to ``settings.out``.

    Raises:
        CheckpointError: there is no trained fingerprint network in ``settings.run``.
        ConfigError: its classes are not space groups, although ``symmetry`` is set.
        SourceError: the source cannot be read.
    """
    _, card = load_model(settings.run, FingerprintCard)
    descriptor(card, str(settings.run))
    if settings.symmetry and card.target != "space_group":
        raise ConfigError(
            f"symmetry: the classes of {settings.run} are of {card.target}, and spglib finds space groups: "
            "set symmetry=false"
        )
    out = settings.out
    with durable.sole_writer(out):
        config.claim(settings, out)
        entries = _chosen(settings)
        crystals, rejects = classified(settings, entries, card.checksum)
        table = accuracies(conditions(settings), crystals, settings.symmetry)
        durable.write_csv(out / REJECTS, REJECT_COLUMNS, rejects)
        durable.write_csv(
            out / "per_crystal.csv", *_per_crystal(conditions(settings), crystals, settings.symmetry)
        )
        durable.write_csv(out / "accuracy.csv", list(table[0]), table)
        with durable.written_aside(out / "accuracy.png") as part:
            draw(table).savefig(part, format="png", dpi=150, metadata={"Software": None})
        earlier.whole(out)
    counts = Counter(row["code"] for row in rejects)
    told = f"; {rejects_told(counts, out / REJECTS)}" if rejects else ""
    worst = min(table, key=lambda row: row["network"])
    return Outcome(
        f"{counted(len(crystals), 'crystal')} in {counted(len(table), 'condition')}: the network is right for "
        f"{100 * table[0]['network']:.2f} % whole, {100 * worst['network']:.2f} % at worst ({worst['defect']} "
        f"{worst['amount']:g}); {out}/accuracy.csv, accuracy.png{told}",
        COMPLETE_WITH_REJECTS if rejects else COMPLETE,
    )


def accuracies(tried: Sequence[Condition], crystals: list[Row], symmetry: bool) -> list[dict[str, Any]]:
    """A row for each condition: ``defect``, ``amount``, ``crystals``, and the share that each method gets right."""
    table = []
    for index, condition in enumerate(tried):
        row: dict[str, Any] = {**condition._asdict(), "crystals": len(crystals)}
        for column, key in _methods(symmetry).items():
            right = sum(crystal[key][index] == crystal["class"] for crystal in crystals)
            row[column] = round(right / len(crystals), 6) if crystals else 0.0
        table.append(row)
    return table


def draw(table: list[dict[str, Any]]) -> Figure:
    """Accuracy of each method against the amount of each defect."""
    shown = [defect for defect in DEFECTS if any(row["defect"] == defect for row in table)]
    figure = Figure(figsize=(1 + 3.4 * max(1, len(shown)), 3.4), layout="constrained")
    for axes, defect in zip(figure.subplots(1, max(1, len(shown)), squeeze=False)[0], shown, strict=False):
        lines = [row for row in table if row["defect"] in ("none", defect)]
        for column in (name for name in table[0] if name not in ("defect", "amount", "crystals")):
            axes.plot(
                [row["amount"] for row in lines],
                [100 * row[column] for row in lines],
                marker="o" if column == "network" else ".",
                label=column.replace("_", ", "),
            )
        axes.set(xlabel=UNITS[defect], ylabel="right class (%)", ylim=(-4, 104))
        axes.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=8)
    return figure


def _methods(symmetry: bool) -> dict[str, str]:
    """The columns of the table, and the key of each method's results in a row."""
    return {"network": "said"} | ({f"spglib_{name}": name for name in TOLERANCES} if symmetry else {})


def _chosen(settings: EvaluateFingerprintSettings) -> list[Entry]:
    """The entries to classify, evenly spread over the source."""
    entries = list(open_source(settings.source))
    if settings.limit and settings.limit < len(entries):
        step = len(entries) / settings.limit
        entries = [entries[int(i * step)] for i in range(settings.limit)]
    return entries


def classified(
    settings: EvaluateFingerprintSettings, entries: list[Entry], checksum: str
) -> tuple[list[Row], list[Row]]:
    """The rows of all crystals of ``entries`` in their order, and those of rejects.

    Args:
        checksum: of the weights; with others, what is kept in ``settings.out`` is made anew.
    """
    work = [checksum, settings.model_dump(mode="json", exclude={"out", "actors", "run"})]
    kept = KeptParts(settings.out / "parts", work)
    campaign = Campaign("evaluate-fingerprint", "crystals", partial(DefectsWorker, settings), kept)
    parts = list(parts_of(entries, PART, lambda number, some: f"{number:06d}-{entries_digest(some)}"))
    with actor_pool(settings.actors) as pool:
        results = in_order(campaign.results(pool, parts, len(entries)))
    kept.remove_others(part.name for part in parts)
    rows = [row for rows in results for row in rows]
    return [row for row in rows if "class" in row], [row for row in rows if "class" not in row]


def _per_crystal(
    tried: Sequence[Condition], crystals: list[Row], symmetry: bool
) -> tuple[list[str], list[dict[str, Any]]]:
    """Header and lines of the table with the class that each crystal got in each condition."""
    methods = _methods(symmetry)
    lines = [
        {"id": crystal["id"], "class": crystal["class"], **condition._asdict()}
        | {column: crystal[key][index] for column, key in methods.items()}
        for crystal in crystals
        for index, condition in enumerate(tried)
    ]
    return ["id", "class", "defect", "amount", *methods], lines
