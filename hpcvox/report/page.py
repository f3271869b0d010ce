"""Renders the page: fills the template with scripts, style and data.

The page fetches nothing when it is opened; a content security policy forbids that.  The policy allows only the scripts
whose hashes it names, so that text from a data set is never run.
"""

import base64
import importlib.resources
import io
from collections.abc import Sequence
from dataclasses import asdict

import jinja2
import numpy as np
from markupsafe import Markup, escape
from matplotlib.image import imsave
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

from hpcvox import safe_page
from hpcvox.report.drawing import on_page
from hpcvox.report.drawing.chart import Row
from hpcvox.report.parts import CrystalsToTurn, Section


def render(title: str, made: str, sections: Sequence[Section]) -> str:
    """The whole HTML text of a report."""
    charts = {chart.name: on_page.tree(chart) for section in sections for chart in section.charts}
    widgets = [
        {"kind": section.widget.kind, "name": section.name, "data": asdict(section.widget)}
        for section in sections
        if section.widget is not None
    ]
    offered = [section.downloads for section in sections if section.downloads is not None]
    files = {name: base64.b64encode(packed).decode() for one in offered for name, packed in one.files.items()}
    cifs = {one.key(id): (f"{one.name}.cif", *place) for one in offered for id, place in one.cifs.items()}
    turned = [one.widget for one in sections if isinstance(one.widget, CrystalsToTurn)]
    scripts = [
        get_plotlyjs(),
        *(_template(f"{name}.js") for name in ("crystals", "cards", "downloads", "report")),
    ]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["coded"] = _coded
    return environment.from_string(_template("report.html")).render(
        title=title,
        made=made,
        tiles=[tile for section in sections for tile in section.tiles],
        sections=sections,
        data=Markup(safe_page.data({"charts": charts, "widgets": widgets, "files": files, "cifs": cifs})),
        style=Markup(safe_page.style() + _template("report.css")),
        scripts=[Markup(script) for script in scripts],
        policy=safe_page.policy(scripts),
        picture=_picture,
        offered=cifs.keys(),
        turnable={scene.id for widget in turned for scene in widget.crystals},
    )


def _coded(text: str) -> Markup:
    """``text`` with what stands between backticks as what is typed."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # one is left over, and is no mark
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )


def _template(name: str) -> str:
    return importlib.resources.files("hpcvox.report").joinpath("templates", name).read_text("utf-8")


def _picture(row: Row, values: NDArray[np.float32]) -> str:
    """A picture as a data URL of a PNG, with one pixel for each value."""
    png = io.BytesIO()
    imsave(png, values, vmin=row.low, vmax=row.high, cmap="viridis", format="png")
    return f"data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}"
