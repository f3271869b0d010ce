"""The Markdown table of a repetition: the values of its page."""

from collections.abc import Sequence

from hpcvox.reproduction import told
from hpcvox.reproduction.summary import Made, ReproductionSummary


def text(summary: ReproductionSummary) -> str:
    """The whole text."""
    lines = [
        f"# {summary.title}",
        "",
        f"Made by hpcvox {summary.hpcvox}, size {summary.size}:",
        "",
        "```sh",
        summary.command,
        "```",
        "",
        *(f"- {_plain(name)}: {_plain(value)}" for name, value in summary.facts.items()),
        "",
    ]
    lines += _table(["quantity", "what it is"], [[*one] for one in summary.quantities.items()])
    for made in summary.experiments:
        lines += [f"## {made.title}", "", made.about, "", *_experiment(made)]
    lines += ["## What is less than in the paper, or another", ""]
    reduced = [[one.what, one.here, one.paper, one.costs] for one in summary.reduced]
    lines += _table(["what", "here", "paper", "what it costs"], reduced)
    return "\n".join(lines).rstrip() + "\n"


def _experiment(made: Made) -> list[str]:
    lines = []
    if better := told.better(made):
        lines += [f"Better is {' or '.join(better)}.", ""]
    if made.rows:
        lines += _table(told.heads(made), [told.cells(row, made) for row in made.rows])
    if made.claims:
        claims = [
            [one.statement, told.verdict(one), one.evidence, one.rule, one.where] for one in made.claims
        ]
        lines += _table(["claim", "here", "our values", "it holds if", "where in the paper"], claims)
    return lines


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(map(_plain, heads))} |", f"|{'---|' * len(heads)}"]
    return [*lines, *(f"| {' | '.join(map(_plain, row))} |" for row in rows), ""]


def _plain(text: str) -> str:
    """``text`` for a cell: one line, and none of its characters is a mark."""
    return " ".join(text.replace("|", "\\|").split())
