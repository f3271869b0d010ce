"""The property networks: what each says of held-out crystals, over what is true."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hpcvox.networks.cgcnn.card import HELD_OUT
from hpcvox.report import scatters
from hpcvox.report.parts import Section, table
from hpcvox.report.reading import Folder, open_folder, pairs, read_rows

NAME, TITLE = "networks", "Properties of held-out crystals"


def folders(named: Sequence[Path] | None, screened: Folder) -> list[Folder]:
    """The run folders of train-cgcnn that were asked for, or else those that ``screened`` says."""
    if named is None:
        models = screened.config.get("models")
        named = [Path(str(model)) for model in models] if isinstance(models, list) else []
    return [open_folder("train-cgcnn", path) for path in named]


def section(networks: Sequence[Folder]) -> Section | None:
    """Parity plots and errors of each network; None where there are none."""
    if not networks:
        return None
    made, rows = [], []
    notes: list[str] = []
    for number, folder in enumerate(networks):
        notes += folder.notes
        file = folder.file(HELD_OUT)
        if folder.problem or file is None:
            notes.append(
                folder.problem
                or f"{folder.path} has no {HELD_OUT}: the training writes it at its end; run it again with the same "
                "settings, and it goes on from its last checkpoint."
            )
            continue
        crystals = list(read_rows(file))
        true, predicted = pairs(
            [row.get("true", "") for row in crystals], [row.get("predicted", "") for row in crystals]
        )
        if not len(true):
            notes.append(f"{file} has no crystal with a prediction.")
            continue
        target = str(folder.fact("target") or folder.path)
        error, spread = np.abs(predicted - true), np.abs(true - true.mean()).mean()
        relative = float(error.mean() / spread) if spread else "–"
        rows.append([target, str(folder.path), len(true), float(error.mean()), relative])
        label = f"{target.replace('_', ' ')} ({folder.path.name if folder.path else ''})"
        if folder.fact("log") is True and (np.minimum(true, predicted) > 0).all():
            true, predicted, axis = np.log10(true), np.log10(predicted), f"log10 of {target}"
        else:
            axis = target.replace("_", " ")
        title = label[0].upper() + label[1:]
        made.append(scatters.parity(f"networks-{number}", title, {"held out": (true, predicted)}, axis))
    columns = ["target", "network", "held-out crystals", "mean absolute error", "beside that of their mean"]
    return Section(
        NAME,
        TITLE,
        intro="What each property network says of crystals that its training held out, by material.",
        charts=made,
        tables=[table("Errors, in the unit of the target", columns, rows)] if rows else [],
        notes=notes,
        missing="" if rows else "No network has predictions of held-out crystals.",
    )
