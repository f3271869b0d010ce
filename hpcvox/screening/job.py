"""The job ``screen``: actors predict properties of crystals; those that pass are written as a table and CIFs.

Each part of the source is predicted only once; every run chooses, sorts and writes again.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from hpcvox import config
from hpcvox.actors.campaign import Campaign, parts_of
from hpcvox.actors.pool import actor_pool
from hpcvox.crystals.record import Entry
from hpcvox.crystals.sources.digest import entries_digest
from hpcvox.crystals.sources.source import Source, open_source
from hpcvox.errors import ConfigError
from hpcvox.files import durable, earlier
from hpcvox.files.kept_parts import KeptParts
from hpcvox.process.outcome import Outcome, rejects_told
from hpcvox.screening.columns import Columns, columns
from hpcvox.screening.expression import parse
from hpcvox.screening.hull import read_references
from hpcvox.screening.networks import PropertyNetworks
from hpcvox.screening.settings import ScreenSettings
from hpcvox.screening.summary import PROPERTIES, SCREENED, ScreenSummary, Target
from hpcvox.screening.tables import (
    Counts,
    ranked,
    write_cifs,
    write_properties,
    write_screened,
)
from hpcvox.screening.worker import DIGITS, Row, ScreenWorker
from hpcvox.shards.layout import REJECTS
from hpcvox.stability.phases import Phase
from hpcvox.terminal import counted

PART: Final = 256
"""Inputs in a part; an interruption loses at most one part per actor."""


def run(settings: ScreenSettings) -> Outcome:
    """Predict every crystal of ``settings.source``, and write those that pass to ``settings.out``.

    Raises:
        CheckpointError: a folder of ``models`` holds no trained CGCNN.
        ConfigError: ``where`` or ``rank`` is not valid or names a missing column; the references cannot be used; or the
            folder holds results of other settings.
        SourceError: the source cannot be opened or is empty.
        BusyError: another run is writing the folder.
        ClusterError: Ray cannot be started or reached.
    """
    out = settings.out
    networks = PropertyNetworks(settings.models)
    table = columns(settings, networks)
    where = None if settings.where is None else parse(settings.where, list(table.names))
    rank = None if settings.rank is None else table.column(settings.rank)
    phases = None if settings.references is None else read_references(settings)
    if out.resolve() in (settings.source.resolve(), *settings.source.resolve().parents):
        raise ConfigError(f"out: {out} holds the source {settings.source}, and its files are replaced there")
    source = open_source(settings.source, settings.id_column, settings.cif_column, [])
    source.refuse_empty()
    with durable.sole_writer(out):
        config.claim(settings, out)
        predicted = _predicted(settings, networks, phases, source)
        counts = Counts(where, table.targets.get(settings.band_gap))
        chosen = ranked(write_properties(out, predicted.rows(), table, counts, rank), settings.descending)
        write_cifs(out, source, write_screened(out, chosen, table), settings.crystals)
        _summary(settings, networks, table, counts, predicted.inputs, len(chosen), phases).save(out)
        predicted.kept.remove_others(predicted.names.values())
        earlier.whole(out)
    return _outcome(settings, networks, counts, len(chosen)).passing_over(source.passed_over)


def _work(settings: ScreenSettings, networks: PropertyNetworks, phases: Sequence[Phase] | None) -> list[Any]:
    """Everything that, with its entries, determines the rows of a part."""
    rules = {"max_sites", "band_gap", "metal_gap", "insulator_targets", "formation_energy"}
    return [networks.work(), DIGITS, settings.model_dump(mode="json", include=rules), phases]


class _Predicted(NamedTuple):
    """The parts of a source; their rows are on disk, so that their number is not limited by the memory."""

    kept: KeptParts
    names: dict[int, str]
    """Names of the files with their rows, by the number of the part."""
    lost: dict[int, list[Row]]
    """Rows of parts with an input that killed its process; they are not saved, so that the next run tries again."""
    inputs: int

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield every row, with the place in the source of the first entry of its part."""
        for number, name in sorted(self.names.items()):
            rows = self.lost[number] if number in self.lost else self.kept.load(name)
            assert rows is not None, "a part was saved and cannot be read"
            yield from ((number * PART, row) for row in rows)


def _predicted(
    settings: ScreenSettings, networks: PropertyNetworks, phases: Sequence[Phase] | None, source: Source
) -> _Predicted:
    """Predict every part of the source that has not been predicted yet."""
    kept = KeptParts(settings.out / "parts", _work(settings, networks, phases))
    campaign = Campaign[Entry, list[Row]]("screen", "inputs", partial(ScreenWorker, settings, phases), kept)
    names: dict[int, str] = {}
    lost: dict[int, list[Row]] = {}
    inputs = 0
    with actor_pool(settings.actors) as pool:
        parts = parts_of(source, PART, lambda number, entries: f"{number:06d}-{entries_digest(entries)}")
        for part, rows in campaign.results(pool, parts, source.total):
            names[part.number] = part.name
            inputs += len(part.items)
            if part.fatal:
                lost[part.number] = rows
    return _Predicted(kept, names, lost, inputs)


def _summary(
    settings: ScreenSettings,
    networks: PropertyNetworks,
    table: Columns,
    counts: Counts,
    inputs: int,
    passing: int,
    phases: Sequence[Phase] | None,
) -> ScreenSummary:
    return ScreenSummary(
        read=inputs,
        rejected=counts.rejects.total(),
        predicted=counts.predicted,
        with_unseen_elements=counts.unseen,
        metals=counts.metals if settings.band_gap in networks.targets else None,
        where=settings.where,
        clauses=counts.funnel(),
        passing=passing,
        rank=settings.rank,
        descending=settings.descending,
        rejects=dict(sorted(counts.rejects.items())),
        targets={
            table.targets[target]: Target(
                target=target,
                networks=[str(member.folder) for member in members],
                checksums=[member.card.checksum for member in members],
                learnt_as_logarithm=[member.log for member in members],
                uncertainty=f"sample standard deviation of {len(members)} networks, in the target's unit"
                if len(members) > 1
                else "none: one network alone",
            )
            for target, members in networks.targets.items()
        },
        without_the_rule_of_metals=_unjudged(settings, networks),
        phases_of_the_hull=None if phases is None else len(phases),
        significant_digits=DIGITS,
    )


def _unjudged(settings: ScreenSettings, networks: PropertyNetworks) -> list[str]:
    """The targets for which a metal has no value, if no network predicts which crystals are metals."""
    judged = settings.band_gap in networks.targets
    return [] if judged else [target for target in settings.insulator_targets if target in networks.targets]


def _outcome(settings: ScreenSettings, networks: PropertyNetworks, counts: Counts, passing: int) -> Outcome:
    out = settings.out
    told = [f"screened {counted(counts.predicted, 'crystal')}: {passing:,} pass"]
    told.append(f"{out / SCREENED}, all in {out / PROPERTIES}")
    if alone := [target for target, members in networks.targets.items() if len(members) == 1]:
        told.append(f"no uncertainty of {', '.join(alone)} (one network alone)")
    if counts.unseen:
        told.append(f"{counts.unseen:,} have elements that a network never saw (unseen_elements)")
    if unjudged := _unjudged(settings, networks):
        told.append(
            f"{', '.join(unjudged)}: of metals, too, since no network has the target {settings.band_gap}"
        )
    if counts.rejects:
        told.append(rejects_told(dict(sorted(counts.rejects.items())), out / REJECTS))
    return Outcome.of_inputs(told, counts.rejects)
