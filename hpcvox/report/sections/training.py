"""The training sections: loss curves and the other measures of a run, train and held-out."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from hpcvox.networks.maps import MapsCard
from hpcvox.report.drawing import charts
from hpcvox.report.drawing.chart import Chart
from hpcvox.report.drawing.charts import Curve
from hpcvox.report.parts import Section, TableCell, shown, table
from hpcvox.report.reading import number
from hpcvox.report.run import Folder, Run
from hpcvox.terminal import counted
from hpcvox.training.folder.card import METRICS
from hpcvox.training.folder.metrics import Epoch, metrics_of

TRAINED: Final = "train"
HELD_OUT: Final = "held-out"
"""The sides of a measure, as the page names them."""


def sections(run: Run) -> list[Section]:
    """The training of the VAE, and that of the UNet if there is one."""
    made = [section("vae", "Training the VAE", run.vae)]
    if not run.unet.problem:
        made.append(section("unet", "Training the UNet", run.unet))
    if not run.finetuned_unet.problem:
        made.append(section("finetuned_unet", "Fine-tuning the UNet", run.finetuned_unet))
    return made


def section(name: str, title: str, folder: Folder[MapsCard]) -> Section:
    """Curves of every measure of a training: the loss large, the others small."""
    if folder.problem or folder.path is None:
        return Section(name, title, missing=folder.problem)
    if folder.file(METRICS) is None:
        return Section(name, title, missing=f"{folder.path} has no {METRICS}: no step was trained there.")
    lines, torn = metrics_of(folder.path)
    epochs = [Epoch.of(line) for line in lines]
    notes = list(folder.notes)
    if torn:
        notes.append(f"{counted(torn, 'line')} of {METRICS} cannot be read and left out.")
    measures = sorted({measure for epoch in epochs for measure in (*epoch.train, *epoch.held_out)})
    measures.sort(key=lambda measure: measure != "loss")
    made, rows = [], []
    for measure in measures:
        curves, unusable = _curves(epochs, measure)
        if unusable:
            notes.append(f"{measure} was not a finite number {counted(unusable, 'time')}, not drawn.")
        if not curves:
            continue
        made.append(_chart(f"{name}-{measure}", measure, curves))
        rows.append([measure, *_told(curves, measure)])
    columns = ["measure", "train, last", "held-out, last", "held-out, at its best"]
    return Section(
        name,
        title,
        missing="" if rows else f"{folder.path / METRICS} has no figures of train or held-out samples yet.",
        facts=_facts(folder, epochs),
        charts=made,
        tables=[table("Measures", columns, rows)] if rows else [],
        notes=notes,
    )


_WORDS: Final = {
    "kld": "Kullback-Leibler divergence",
    "mse": "mean squared error",
    "mae": "mean absolute error",
    "f1": "F1",
    "elements": "share of elements named right",
}
"""Words of measures that are written out."""

_SHARES: Final = ("recall", "precision", "accuracy", "f1", "iou", "dice", "elements")
"""Words of measures that are shares of hits."""


def _title(measure: str) -> str:
    words = " ".join(_WORDS.get(word, word) for word in measure.split("_"))
    return words[0].upper() + words[1:]


def _curves(epochs: Sequence[Epoch], measure: str) -> tuple[dict[str, Curve], int]:
    """The finite values of a measure over steps by its sides, and how many are not finite.

    After a resume the later value of a step counts.
    """
    curves: dict[str, Curve] = {}
    unusable = 0
    sides: Sequence[tuple[str, Sequence[tuple[Epoch, Mapping[str, float]]]]] = (
        (TRAINED, [(epoch, epoch.train) for epoch in epochs]),
        (HELD_OUT, [(epoch, epoch.held_out) for epoch in epochs]),
    )
    for label, side in sides:
        points: dict[int, float] = {}
        for epoch, figures in side:
            value = number(figures.get(measure))
            unusable += measure in figures and value is None
            if epoch.step is not None and value is not None:
                points[epoch.step] = value
        if points:
            steps = sorted(points)
            curves[label] = np.array(steps, np.float64), np.array([points[step] for step in steps])
    return curves, unusable


def _chart(name: str, measure: str, curves: Mapping[str, Curve]) -> Chart:
    lowest = min(float(y.min()) for _, y in curves.values())
    highest = max(float(y.max()) for _, y in curves.values())
    log = lowest > 0 and highest / lowest > 5 and not _is_share(measure)
    title = _title(measure)
    return charts.curves(name, title, curves, "step", log=log, wide=measure == "loss")


def _told(curves: Mapping[str, Curve], measure: str) -> list[object]:
    """The last value in training and held out, and the best held-out value."""
    last = [float(curves[side][1][-1]) if side in curves else "–" for side in (TRAINED, HELD_OUT)]
    if HELD_OUT not in curves:
        return [*last, "–"]
    steps, values = curves[HELD_OUT]
    place, which = (values.argmax(), "highest") if _is_share(measure) else (values.argmin(), "lowest")
    best = float(values[place])
    return [*last, TableCell(f"{shown(best)} ({which}, step {steps[place]:,.0f})", best)]


def _is_share(measure: str) -> bool:
    """Whether a measure is a share of hits (0 to 1, more is better) and not an error."""
    return any(word in measure.lower() for word in _SHARES)


def _facts(folder: Folder[MapsCard], epochs: Sequence[Epoch]) -> list[tuple[str, str]]:
    reached = {
        "last epoch": [epoch.epoch for epoch in epochs if epoch.epoch is not None],
        "last step": [epoch.step for epoch in epochs if epoch.step is not None],
    }
    facts = [(label, shown(max(values))) for label, values in reached.items() if values]
    if (card := folder.summary) is not None:
        facts += [("weights", shown(card.weights)), ("grid", card.grid), ("voxels", shown(card.voxels))]
    rates = {
        "samples/s, last epoch": [epoch.samples_per_s for epoch in epochs],
        "share of the time spent waiting for data": [epoch.loader_wait_share for epoch in epochs],
    }
    for label, rate in rates.items():
        said = [value for one in rate if (value := number(one)) is not None]
        if said:
            facts.append((label, shown(said[-1])))
    return facts
