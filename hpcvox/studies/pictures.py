"""Draws pictures of a trial for the dashboard: its curves, and a crystal before and after an autoencoder.

They are Optuna's artifacts: files in ``artifacts/`` of the study, which entries of the journal name.
"""

import io
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from matplotlib.figure import Figure
from optuna.artifacts import ArtifactMeta
from optuna.artifacts._upload import ARTIFACTS_ATTR_PREFIX

from hpcvox.errors import SummaryError
from hpcvox.files import durable
from hpcvox.networks.vae.examples import Examples
from hpcvox.studies.books.journal import ARTIFACTS
from hpcvox.training.folder.metrics import HELD_OUT, TRAIN, read_metrics


def keep(trial: optuna.Trial, out: Path, run: Path, metrics: Sequence[str]) -> None:
    """Draw pictures of the trial's ``run`` and save them in the study ``out``; call it before the trial is told."""
    for name, figure in _figures(run, metrics):
        png = io.BytesIO()
        figure.savefig(png, format="png", dpi=100, metadata={"Software": None})
        _attach(trial, out / ARTIFACTS, name, png.getvalue())


def _figures(run: Path, metrics: Sequence[str]) -> Iterator[tuple[str, Figure]]:
    if lines := read_metrics(run):
        yield "curves.png", curves(lines, metrics)
    if (figure := example(run)) is not None:
        yield "example.png", figure


def curves(lines: list[dict[str, Any]], metrics: Sequence[str]) -> Figure:
    """The loss and the ``metrics`` of a study over the epochs, in training and held out."""
    shown = list(dict.fromkeys(["loss", *(metric.partition("/")[2] for metric in metrics)]))
    figure = Figure(figsize=(5 * len(shown), 3.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for key, label in ((TRAIN + name, "trained on"), (HELD_OUT + name, "held out")):
            told = [(line["epoch"], line[key]) for line in lines if key in line]
            axes.plot(*np.array(told).reshape(-1, 2).T, marker=".", label=label)
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
    return figure


def example(run: Path) -> Figure | None:
    """The middle slice of a held-out density, true and reconstructed by an autoencoder; None if there is none."""
    try:
        examples = Examples.load(run)
    except SummaryError:
        return None
    pair, crystal = (examples.true[0], examples.reconstructed[0]), examples.ids[0]
    planes = [density[len(density) // 2] for density in pair]
    figure = Figure(figsize=(8, 3.7), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, plane, title in zip(both, planes, ("before", "after"), strict=True):
        image = axes.imshow(plane.T, origin="lower", vmin=0, vmax=float(planes[0].max()))
        axes.set(title=f"{crystal}, {title}", xticks=[], yticks=[])
    figure.colorbar(image, ax=both, label="e/Å³")
    return figure


def _attach(trial: optuna.Trial, folder: Path, name: str, png: bytes) -> None:
    """Like ``optuna.artifacts.upload_artifact``, but writes the file before naming it, so that a kill does no harm."""
    made = ArtifactMeta(artifact_id=str(uuid.uuid4()), filename=name, mimetype="image/png", encoding=None)
    folder.mkdir(exist_ok=True)
    durable.write_bytes(folder / made.artifact_id, png)
    trial.storage.set_trial_system_attr(
        trial._trial_id, ARTIFACTS_ATTR_PREFIX + made.artifact_id, json.dumps(asdict(made))
    )
