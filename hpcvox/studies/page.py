"""The page of a study: its best trial and plots, in the look of the report."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

from hpcvox import safe_page

_DRAW: Final = """
const places = document.getElementsByClassName("plotly-graph-div");
const figures = JSON.parse(document.getElementById("figures").textContent);
function draw() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const axis = { gridcolor: of("--line"), zerolinecolor: of("--line"), linecolor: of("--line"), automargin: true };
  figures.forEach((figure, n) => {
    const layout = { ...figure.layout, autosize: true, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      modebar: { bgcolor: "rgba(0,0,0,0)", color: of("--soft"), activecolor: of("--ink") },
      font: { family: "system-ui, sans-serif", size: 12, color: of("--ink") } };
    for (const key of Object.keys(layout)) if (/^[xy]axis\\d*$/.test(key)) layout[key] = { ...layout[key], ...axis };
    const config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage"]] };
    Plotly.react(places[n], figure.data, layout, config);
  });
}
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
"""

_HEIGHT: Final = 420
"""Pixels of a plot."""

_LEAST_WIDTH: Final = 240
"""Pixels of each axis that stands beside others; on a narrow page such a plot is scrolled."""


class Plot(NamedTuple):
    """A plot of Optuna, and how many axes stand side by side in it."""

    title: str
    figure: Any
    axes: int = 1


def page(title: str, facts: Mapping[str, str], next_step: str, plots: Sequence[Plot]) -> str:
    """The text of the page, which opens without a network and runs nothing that a study's names hold.

    Args:
        facts: what is known of the best trial, by what it is.
        next_step: the command that goes on.
    """
    scripts = [get_plotlyjs(), _DRAW]
    trees = [_tree(plot.figure) for plot in plots]
    rows = "".join(
        f"<tr><th scope='row'>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in facts.items()
    )
    lines = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        f'<meta http-equiv="Content-Security-Policy" content="{safe_page.policy(scripts)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{_text(title)}</title><style>{safe_page.style()}</style>",
        f"<h1>{_text(title)}</h1>",
        f"<h2>The best</h2><div class='scroll'><table>{rows}</table></div>",
        f"<h2>What next</h2><pre class='command'><code>{_text(next_step)}</code></pre>",
        "<h2>How it was found</h2>",
        *(
            f"<figure><figcaption>{_text(plot.title)}</figcaption><div class='scroll'>"
            '<div class="plot plotly-graph-div" '
            f'style="height: {_HEIGHT}px; min-width: {_LEAST_WIDTH * plot.axes}px"></div></div></figure>'
            for plot in plots
        ),
        f'<script type="application/json" id="figures">{safe_page.data(trees)}</script>',
        *(f"<script>{script}</script>" for script in scripts),
    ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    return html.escape(text.encode(errors="backslashreplace").decode())


def _tree(figure: Any) -> Any:
    """A plot without its title, nor the look and the width that its library gives it."""
    tree = json.loads(figure.to_json())
    layout = tree["layout"]
    for key in ("title", "template", "width"):
        layout.pop(key, None)
    layout["colorway"] = list(safe_page.PALETTE)
    layout["height"] = _HEIGHT
    layout["margin"] = {"l": 64, "r": 16, "t": 40, "b": 48}
    layout["legend"] = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return tree
