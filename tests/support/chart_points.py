"""What a chart of a report shows, out of its JSON."""

from typing import Any

from hpcvox.report.drawing import values


def points(trace: dict[str, Any]) -> list[tuple[float, float]]:
    """The points of a trace of plotly."""
    return list(zip(values(trace["x"]).tolist(), values(trace["y"]).tolist(), strict=True))
