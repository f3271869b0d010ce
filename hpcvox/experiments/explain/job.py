"""``hpcvox explain``: draws what a fingerprint network looks at (Ziletti et al. 2018, Fig. 5) in a user's crystals."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.crystals.names import file_stem, plain
from hpcvox.crystals.parse import each_crystal
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.crystals.sources.source import Source, open_source
from hpcvox.experiments.explain.drawing import classes_picture, picture, titled
from hpcvox.experiments.explain.settings import ExplainSettings, Format
from hpcvox.experiments.explain.summary import (
    CLASSES,
    PICTURES,
    TABLE,
    Column,
    ExplainSummary,
    Named,
    of_layer,
)
from hpcvox.featurize.sampler import alone
from hpcvox.files import durable, earlier
from hpcvox.files.pictures import save
from hpcvox.networks.fingerprint.at_work import DEFECTS, Classifier, descriptor
from hpcvox.networks.fingerprint.explanation import Explanation
from hpcvox.process.outcome import Outcome, rejects_told
from hpcvox.progress import Progress
from hpcvox.shards.layout import REJECT_COLUMNS, REJECTS
from hpcvox.terminal import counted

DIGITS: Final = 6
"""Significant digits of a number in the table."""


class _Found(NamedTuple):
    """What became of the inputs."""

    rows: list[dict[str, Any]]
    rejects: list[Reject]
    means: dict[str, "_Mean"]
    """By class."""


class _Mean:
    """Means over the crystals of a class."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._fingerprint: NDArray[np.float64] = np.zeros(())
        self._template: NDArray[np.float64] = np.zeros(())

    def add(self, seen: Explanation, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._fingerprint = self._fingerprint + seen.fingerprint
        self._template = self._template + seen.template

    @property
    def crystals(self) -> int:
        return len(self._rows)

    def of(self, column: Column) -> float | None:
        """The mean of a column; None if the table does not have it."""
        values = [row[column] for row in self._rows if column in row]
        return _rounded(float(np.mean(values))) if values else None

    def named(self) -> Named:
        probability = self.of(Column.PROBABILITY)
        assert probability is not None
        return Named(
            crystals=self.crystals,
            mean_probability=probability,
            mean_without_attended=self.of(Column.WITHOUT_ATTENDED),
            mean_without_brightest=self.of(Column.WITHOUT_BRIGHTEST),
        )

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Fingerprint and sum of the last layer, (n, n, 3) each."""
        fingerprint, template = self._fingerprint / self.crystals, self._template / self.crystals
        return fingerprint.astype(np.float32), template.astype(np.float32)


def run(settings: ExplainSettings) -> Outcome:
    """Write the table, the pictures, ``rejects.csv`` and ``summary.json`` to ``settings.out``.

    Raises:
        CheckpointError: there is no trained fingerprint network in ``settings.model``.
        ConfigError: the network has no such layer, or the folder holds results of other settings.
        SourceError: the source cannot be read or is empty.
        BusyError: another run is writing the folder.
    """
    # sums have the same order on any machine
    torch.set_num_threads(1)
    network = Classifier(settings.model)
    layers = network.layers(settings.layers)
    source = open_source(settings.source, settings.id_column, settings.cif_column, [])
    source.refuse_empty()
    out = settings.out
    with durable.sole_writer(out):
        config.claim(settings, out)
        read, entries = _chosen(source, settings.limit)
        found = _explained(settings, network, layers, read, entries)
        durable.write_csv(out / TABLE, [*Column, *map(of_layer, layers)], found.rows)
        durable.write_csv(out / REJECTS, REJECT_COLUMNS, (reject._asdict() for reject in found.rejects))
        named = {name: found.means[name] for name in network.classes if name in found.means}
        if named:
            figure = classes_picture(
                [(f"{name} ({mean.crystals:,})", *mean.arrays()) for name, mean in named.items()]
            )
            for format in settings.formats:
                save(figure, out / f"{CLASSES}.{format}")
        summary = ExplainSummary(
            model=str(settings.model),
            checksum=network.card.checksum,
            layers=list(layers),
            filters=settings.filters,
            draws=settings.draws or None,
            removed=settings.removed or None,
            read=read,
            explained=len(found.rows),
            rejected=len(found.rejects),
            rejects=dict(sorted(Counter(reject.code for reject in found.rejects).items())),
            classes={name: mean.named() for name, mean in named.items()},
        )
        summary.save(out)
        earlier.whole(out)
    return _outcome(settings, summary).passing_over(source.passed_over)


def _outcome(settings: ExplainSettings, summary: ExplainSummary) -> Outcome:
    out = settings.out
    named = ", ".join(f"{name} {one.crystals:,}" for name, one in summary.classes.items())
    told = [f"explained {counted(summary.explained, 'crystal')}" + (f": {named}" if named else "")]
    told.append(f"{out / PICTURES}, {out / TABLE}")
    if summary.rejects:
        told.append(rejects_told(summary.rejects, out / REJECTS))
    return Outcome.of_inputs(told, summary.rejects)


def _chosen(source: Source, limit: int) -> tuple[int, Iterator[Entry]]:
    """How many inputs are used, evenly spread over the source, and these."""
    total = sum(1 for _ in source) if source.total is None else source.total
    if not limit or limit >= total:
        return total, iter(source)
    wanted = {index * total // limit for index in range(limit)}
    return limit, (entry for entry in source if entry.index in wanted)


def _explained(
    settings: ExplainSettings,
    network: Classifier,
    layers: tuple[int, ...],
    read: int,
    entries: Iterator[Entry],
) -> _Found:
    """Explain and draw the crystals of ``entries``."""
    pictures = settings.out / PICTURES
    pictures.mkdir(exist_ok=True)
    found = _Found([], [], {})
    with Progress("explain", read, "inputs") as progress:
        for entry in entries:
            for result in each_crystal([entry], {}, partial(_crystal, settings, network, layers, entry)):
                if isinstance(result, Reject):
                    found.rejects.append(result)
                    continue
                crystal, seen, row = result
                figure = picture(seen, titled(seen, crystal))
                for format in settings.formats:
                    save(figure, pictures / f"{row[Column.PICTURE]}.{format}")
                found.rows.append(row)
                found.means.setdefault(seen.ranked[0], _Mean()).add(seen, row)
            progress.advance()
    drawn = {f"{row[Column.PICTURE]}.{format}" for row in found.rows for format in settings.formats}
    for path in pictures.iterdir():
        # of crystals that the source had before
        if path.suffix[1:] in get_args(Format) and path.name not in drawn:
            path.unlink()
    return found


def _crystal(
    settings: ExplainSettings,
    network: Classifier,
    layers: tuple[int, ...],
    entry: Entry,
    crystal: Crystal,
    _place: int,
    number: int,
) -> tuple[Crystal, Explanation, dict[str, Any]]:
    """A crystal of ``entry``, what the network says of it and looks at in it, and its row of the table.

    Raises:
        Rejected: the crystal has no fingerprint.
    """
    kept = {name: getattr(settings, name) for name in (*DEFECTS, "seed")}
    how = descriptor(network.card, str(settings.model)).model_copy(update=kept)
    image = alone(how, crystal, (entry.index, number)).arrays["fingerprint"]
    seen = network.explain(image, layers, settings.filters)
    # a network may know one class alone
    first, second, *_ = [*seen.ranked, ""]
    row: dict[str, Any] = {
        Column.ID: plain(crystal.id),
        Column.FORMULA: crystal.formula,
        Column.CLASS: first,
        Column.PROBABILITY: _rounded(seen.probabilities[first]),
        Column.RUNNER_UP: second,
        Column.RUNNER_UP_PROBABILITY: _rounded(seen.probabilities.get(second, 0.0)),
        Column.PICTURE: file_stem(crystal.id),
    }
    for layer in seen.layers:
        row[of_layer(layer.layer)] = " ".join(map(str, layer.filters.tolist()))
    if settings.draws and network.has_dropout:
        doubt = network.uncertainty([image], settings.draws, settings.seed)
        row[Column.ENTROPY] = _rounded(float(doubt.entropy[0]))
        row[Column.MUTUAL_INFORMATION] = _rounded(float(doubt.mutual_information[0]))
    if settings.removed:
        for column, at in ((Column.WITHOUT_ATTENDED, seen.template), (Column.WITHOUT_BRIGHTEST, image)):
            row[column] = _rounded(network.without(seen, settings.removed, at))
    return crystal, seen, row


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
