"""Writes figures of matplotlib as files."""

from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from hpcvox.files import durable


def save(figure: Figure, target: Path) -> None:
    """Write ``figure`` to ``target``, whole or not at all, in the format of its suffix; the same bytes each time."""
    target.parent.mkdir(parents=True, exist_ok=True)
    format = target.suffix.lstrip(".") or "png"
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format, {})
    with durable.written_aside(target) as part, matplotlib.rc_context({"svg.hashsalt": "hpcvox"}):
        figure.savefig(part, format=format, dpi=150, metadata=undated)
