"""Says values, spreads and verdicts in words, alike on the page and in the Markdown table."""

from typing import Final

from hpcvox.reproduction.summary import Claim, Made, Row

NONE: Final = "–"

HEADS: Final = ("quantity", "method", "ours, mean ± sd", "draws", "paper", "where in the paper")


def ours(row: Row) -> str:
    """Our mean and standard deviation, with the unit; or why there is none."""
    if not row.values:
        return row.absent
    spread = "" if row.deviation is None else f" ± {number(row.deviation)}"
    return f"{number(row.mean, row.unit)}{spread} {row.unit}".strip()


def paper(row: Row) -> str:
    """The paper's value, with the unit."""
    if row.paper is not None:
        return f"{number(row.paper, row.unit)} {row.unit}".strip()
    return "a picture alone" if row.where else NONE


def number(value: float, unit: str = "") -> str:
    """A value with three significant digits, a percentage with two decimals: 99.97 is not 100."""
    if unit == "%":
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def better(made: Made) -> list[str]:
    """The directions in which its values are better; empty: they only tell what happens."""
    return list(dict.fromkeys(row.better for row in made.rows if row.better != "neither"))


def verdict(claim: Claim) -> str:
    """Whether a claim holds."""
    return {True: "holds", False: "does not hold", None: "open"}[claim.holds]


def cells(row: Row, made: Made) -> list[str]:
    """The cells of a row's line, below :data:`HEADS` with the axis of its experiment in the third place."""
    own = made.axes.get(row.quantity)
    at = [] if not made.axis else [NONE if row.at is None else f"{own}: {row.at:g}" if own else f"{row.at:g}"]
    draws = str(len(row.values)) if row.values else NONE
    return [
        row.quantity,
        row.method,
        *at,
        ours(row),
        draws,
        paper(row),
        row.where or NONE,
    ]


def heads(made: Made) -> list[str]:
    """The heads of :func:`cells`."""
    return [*HEADS[:2], *([made.axis] if made.axis else []), *HEADS[2:]]
