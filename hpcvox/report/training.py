"""The training sections: loss curves and the other measures of a run, train and held-out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpcvox.report import charts
from hpcvox.report.parts import Chart, Section, shown, table
from hpcvox.report.reading import Folder, number
from hpcvox.training.folder.card import METRICS
from hpcvox.training.folder.metrics import metrics_of

SIDES = {"train": "train", "held_out": "held-out"}
"""Groups of metrics.jsonl (the part of a key before ``/``) that are drawn, and their names."""


def section(name: str, title: str, folder: Folder) -> Section:
    """Curves of every measure in ``metrics.jsonl``: the loss large, the others small."""
    if folder.problem:
        return Section(name, title, missing=folder.problem)
    file = folder.file(METRICS)
    if file is None:
        return Section(name, title, missing=f"{folder.path} has no metrics.jsonl: no step was trained there.")
    records, torn = metrics_of(file.parent)
    notes = list(folder.notes)
    if torn:
        notes.append(f"{torn} line(s) of metrics.jsonl cannot be read and are left out.")
    measures = sorted({key.split("/", 1)[1] for record in records for key in record if "/" in key})
    measures.sort(key=lambda measure: measure != "loss")
    made, rows = [], []
    for measure in measures:
        lines = {
            label: line
            for side, label in SIDES.items()
            if (line := _line(records, f"{side}/{measure}")) is not None
        }
        unusable = _not_finite(records, [f"{side}/{measure}" for side in SIDES])
        if unusable:
            notes.append(f"{measure} was not a finite number {unusable} time(s): those are not drawn.")
        if not lines:
            continue
        made.append(_chart(f"{name}-{measure}", measure, lines, records, large=measure == "loss"))
        rows.append([measure, *(_last(lines, label) for label in SIDES.values()), _best(lines, measure)])
    columns = ["measure", "train, last", "held-out, last", "held-out, best"]
    tables = [table("Measures", columns, rows)] if rows else []
    missing = "" if rows else f"{file} has no train/… or held_out/… figures yet."
    return Section(
        name, title, missing=missing, facts=_facts(folder, records), charts=made, tables=tables, notes=notes
    )


def _chart(
    name: str,
    measure: str,
    lines: dict[str, charts.Points],
    records: Sequence[dict[str, Any]],
    *,
    large: bool,
) -> Chart:
    lowest = min(float(y.min()) for _, y in lines.values())
    highest = max(float(y.max()) for _, y in lines.values())
    log = lowest > 0 and highest / lowest > 5 and not _is_share(measure)
    return charts.curves(
        name, measure.replace("_", " ").capitalize(), lines, _axis(records), log=log, wide=large
    )


def _axis(records: Sequence[dict[str, Any]]) -> str:
    return "step" if any("step" in record for record in records) else "epoch"


def _line(records: Sequence[dict[str, Any]], key: str) -> charts.Points | None:
    """The finite values of ``key`` over steps; after a resume the later record of a step counts."""
    axis = _axis(records)
    points: dict[float, float] = {}
    for record in records:
        x, y = number(record.get(axis)), number(record.get(key))
        if x is not None and y is not None:
            points[x] = y
    if not points:
        return None
    x_order = sorted(points)
    return np.array(x_order), np.array([points[x] for x in x_order])


def _not_finite(records: Sequence[dict[str, Any]], keys: Sequence[str]) -> int:
    return sum(key in record and number(record[key]) is None for record in records for key in keys)


def _last(lines: dict[str, charts.Points], label: str) -> object:
    return float(lines[label][1][-1]) if label in lines else "–"


def _best(lines: dict[str, charts.Points], measure: str) -> object:
    if "held-out" not in lines:
        return "–"
    values = lines["held-out"][1]
    return float(values.max() if _is_share(measure) else values.min())


def _is_share(measure: str) -> bool:
    """Whether a measure is a share of hits (0 to 1, more is better) and not an error."""
    return any(word in measure.lower() for word in ("recall", "precision", "accuracy", "f1", "iou", "dice"))


def _facts(folder: Folder, records: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    facts = []
    for label in ("epoch", "step"):
        reached = [value for record in records if (value := number(record.get(label))) is not None]
        if reached:
            facts.append((f"last {label}", shown(int(max(reached)))))
    for label in ("weights", "grid", "voxels"):
        value = folder.fact(label)
        if value is not None:
            facts.append((label, shown(value)))
    rates = {
        "samples/s, last epoch": "samples_per_s",
        "share of the time spent waiting for data": "loader_wait_share",
    }
    for label, key in rates.items():
        said = [value for record in records if (value := number(record.get(key))) is not None]
        if said:
            facts.append((label, shown(said[-1])))
    return facts
