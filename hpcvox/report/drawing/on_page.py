"""Draws charts on the page by plotly, without plotly's own style; text and grid take their colours from the page."""

import html
import json
from collections.abc import Mapping
from typing import Any, Final

import plotly.graph_objects as go  # type: ignore[import-untyped]

from hpcvox.report.drawing.chart import Axis, Bars, Chart, Line, LyingBars, Mark, Points, Scale

JSON = dict[str, Any]
"""A part of a figure of plotly, whose keys are plotly's own."""

_SILENT: Final = {"hoverinfo": "skip"}
_HIDDEN: Final = {"showlegend": False}
_DASH: Final = "dash"


def tree(chart: Chart) -> JSON:
    """``chart`` as a figure of plotly in JSON: ``{"data": ..., "layout": ...}``."""
    figure = go.Figure([_trace(mark) for mark in chart.marks])
    figure.layout.template = go.layout.Template()  # the default template is 7 kB in every chart
    figure.update_layout(
        height=chart.height,
        margin={"l": 64, "r": 16, "t": 12, "b": 48},
        legend={"orientation": "h", "traceorder": "normal", "y": 1.02, "yanchor": "bottom", "x": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        **_together(chart),
    )
    figure.update_xaxes(**_axis(chart.x), **({"constrain": "domain"} if chart.equal else {}))
    figure.update_yaxes(
        **_axis(chart.y), **({"constrain": "domain", "scaleanchor": "x"} if chart.equal else {})
    )
    made: JSON = json.loads(figure.to_json())
    return made


def escaped(text: str) -> str:
    """``text`` as plotly shows it literally (plotly reads tags such as <b> in labels)."""
    return html.escape(text, quote=False)


def _together(chart: Chart) -> JSON:
    """The part of the layout that says how bars are combined."""
    if any(isinstance(mark, Bars) for mark in chart.marks):
        return {"barmode": "stack"} if chart.x.names else {"barmode": "stack", "bargap": 0}
    told = all(isinstance(mark, Line) and mark.tells for mark in chart.marks)
    return {"hovermode": "x unified"} if told else {}


def _axis(axis: Axis) -> JSON:
    return {
        "automargin": True,
        **({"title_text": escaped(axis.title)} if axis.title else {}),
        **({"type": "log"} if axis.log else {}),
        **({"type": "category"} if axis.names else {}),
        **({"range": list(axis.limits)} if axis.limits is not None else {}),
        **({"dtick": axis.step} if axis.step is not None else {}),
        **(
            {"tickvals": list(axis.marks), "ticktext": [f"{at:g}" for at in axis.marks]} if axis.marks else {}
        ),
        **({} if axis.ticks else {"showticklabels": False, "zeroline": False, "showgrid": False}),
    }


def _trace(mark: Mark) -> go.Bar | go.Scatter:
    match mark:
        case LyingBars():
            return go.Bar(
                x=mark.counts,
                y=[escaped(name) for name in mark.names],
                text=[f"{count:,}" for count in mark.counts],
                orientation="h",
                marker_color=mark.colour,
                hovertemplate="%{y}: %{x:,}<extra></extra>",
            )
        case Bars():
            return _bars(mark)
        case Line():
            return _line(mark)
        case Points():
            return _points(mark)


def _bars(mark: Bars) -> go.Bar:
    named = isinstance(mark.places, list | tuple)
    return go.Bar(
        x=[escaped(place) for place in mark.places] if named else mark.places,
        y=mark.counts,
        width=mark.width,
        marker_color=mark.colour,
        hovertemplate=("%{x}" if named else "%{x:.3g}") + ": %{y:,}" + _extra(mark.name),
        **_name(mark.name),
    )


def _line(mark: Line) -> go.Scatter:
    look: JSON = {"color": mark.colour, "width": mark.width} | ({"dash": _DASH} if mark.dashed else {})
    tells = {"hovertemplate": "%{x:,}: %{y:.4g}" + _extra(mark.name)} if mark.tells else _SILENT
    return go.Scatter(
        x=mark.x,
        y=mark.y,
        mode="lines+markers" if mark.dots else "lines",
        line=look,
        opacity=None if mark.opacity == 1 else mark.opacity,
        **({"marker_size": 5} if mark.dots else {}),
        **tells,
        **_name(mark.name),
    )


def _points(mark: Points) -> go.Scatter:
    marker: Mapping[str, Any] = {"color": mark.colour}
    if isinstance(mark.colour, Scale):
        marker = {
            "color": mark.colour.values,
            "colorscale": "Viridis",
            "cmin": mark.colour.low,
            "cmax": mark.colour.high,
            "colorbar": {"title": {"text": escaped(mark.colour.title)}, "thickness": 12},
        }
    value = ": %{marker.color:.3g}" if isinstance(mark.colour, Scale) else ""
    said = "%{text}" + value if mark.texts else "%{x:.4g} → %{y:.4g} (%{customdata:,})"
    return go.Scatter(
        x=mark.x,
        y=mark.y,
        text=[escaped(text) for text in mark.texts] or None,
        customdata=mark.counts,
        mode="markers",
        marker={**marker, "size": mark.sizes, "opacity": mark.opacity},
        hovertemplate=said + _extra(mark.name),
        **_name(mark.name),
    )


def _name(name: str) -> JSON:
    return {"name": escaped(name)} if name else _HIDDEN


def _extra(name: str) -> str:
    return f"<extra>{escaped(name)}</extra>"
