"""Charts of points: what is predicted over what is true."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]

from hpcvox.report.charts import MOST_POINTS, PALETTE, Points, escaped, finished
from hpcvox.report.parts import Chart


def parity(name: str, title: str, groups: Mapping[str, Points], axis: str) -> Chart:
    """What is predicted over what is true, one colour a group, beside the line where both are the same.

    Points that fall together are one mark of as large an area; at most :data:`MOST_POINTS` of a group are drawn.
    """
    figure = go.Figure()
    everything = np.concatenate([values for pair in groups.values() for values in pair])
    low, high = float(everything.min()), float(everything.max())
    edge = 0.04 * (high - low) or 0.5
    ends = [low - edge, high + edge]
    line = {"color": "#8a949c", "width": 1, "dash": "dash"}
    figure.add_scatter(x=ends, y=ends, mode="lines", line=line, showlegend=False, hoverinfo="skip")
    for k, (label, (true, predicted)) in enumerate(groups.items()):
        points, counts = np.unique(np.stack([true, predicted], axis=1), axis=0, return_counts=True)
        chosen = np.unique(np.linspace(0, len(points) - 1, min(len(points), MOST_POINTS)).astype(int))
        sizes = np.minimum(5 * np.sqrt(counts[chosen]), 36)
        figure.add_scatter(
            x=points[chosen, 0],
            y=points[chosen, 1],
            customdata=counts[chosen],
            name=escaped(label),
            mode="markers",
            marker={"color": PALETTE[(0, 5, 2, 3)[k % 4]], "size": sizes, "opacity": 0.6},
            hovertemplate="%{x:.4g} → %{y:.4g} (%{customdata:,})<extra>" + escaped(label) + "</extra>",
        )
    figure.update_layout(xaxis_title=f"{axis}, true", yaxis_title=f"{axis}, predicted", height=400)
    figure.update_xaxes(range=ends, constrain="domain")
    figure.update_yaxes(range=ends, scaleanchor="x", constrain="domain")
    return finished(name, title, figure)
