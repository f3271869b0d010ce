"""The property networks: predictions of each for held-out crystals, compared with the true values."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.networks.cgcnn.card import HELD_OUT, CGCNNCard
from hpcvox.networks.cgcnn.held_out import Column
from hpcvox.report.drawing import scatters
from hpcvox.report.drawing.chart import Chart
from hpcvox.report.parts import Section, table
from hpcvox.report.reading import pairs, read_rows
from hpcvox.report.run import Folder, Run

NAME: Final = "networks"
TITLE: Final = "Properties of held-out crystals"


class _Said(NamedTuple):
    """The predictions of a network for held-out crystals, in the unit of its target."""

    target: str
    log: bool
    true: NDArray[np.float64]
    predicted: NDArray[np.float64]


def sections(run: Run) -> list[Section]:
    """Parity plots and errors of each network; no section if there are no networks."""
    if not run.networks:
        return []
    made, rows = [], []
    notes: list[str] = []
    for number, folder in enumerate(run.networks):
        notes += folder.notes
        said = _said(folder)
        if isinstance(said, str):
            notes.append(said)
            continue
        rows.append([said.target, str(folder.path), len(said.true), *_errors(said)])
        made.append(_parity(f"networks-{number}", said, folder.path.name if folder.path else ""))
    columns = ["target", "network", "held-out crystals", "mean absolute error", "beside that of their mean"]
    section = Section(
        NAME,
        TITLE,
        intro="Predictions of each property network for crystals that its training held out, by material.",
        charts=made,
        tables=[table("Errors, in the unit of the target", columns, rows)] if rows else [],
        notes=notes,
        missing="" if rows else "No network has predictions of held-out crystals.",
    )
    return [section]


def _said(folder: Folder[CGCNNCard]) -> _Said | str:
    """The predictions of the network in a folder, or the reason why there are none."""
    file = folder.file(HELD_OUT)
    if file is None:
        return folder.problem or (
            f"{folder.path} has no {HELD_OUT}: the training writes it at its end; run it again with the same "
            "settings, and it goes on from its last checkpoint."
        )
    crystals = list(read_rows(file))
    columns = ([row.get(column, "") for row in crystals] for column in (Column.TRUE, Column.PREDICTED))
    true, predicted = pairs(*columns)
    if not len(true):
        return f"{file} has no crystal with a prediction."
    if folder.summary is None:
        return _Said(str(folder.path), False, true, predicted)
    return _Said(folder.summary.target, folder.summary.log, true, predicted)


def _errors(said: _Said) -> list[float | str]:
    """The mean absolute error, and its ratio to the error of predicting the mean for all crystals."""
    error, spread = np.abs(said.predicted - said.true), np.abs(said.true - said.true.mean()).mean()
    return [float(error.mean()), float(error.mean() / spread) if spread else "–"]


def _parity(name: str, said: _Said, folder: str) -> Chart:
    label = f"{said.target.replace('_', ' ')} ({folder})"
    title = label[0].upper() + label[1:]
    if said.log and (np.minimum(said.true, said.predicted) > 0).all():
        points = np.log10(said.true), np.log10(said.predicted)
        return scatters.parity(name, title, {"held out": points}, f"log10 of {said.target}")
    return scatters.parity(
        name, title, {"held out": (said.true, said.predicted)}, said.target.replace("_", " ")
    )
