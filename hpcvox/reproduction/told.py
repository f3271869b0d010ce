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
    return f"{number(row.mean)}{spread} {row.unit}".strip()


def paper(row: Row) -> str:
    """The paper's value, with the unit."""
    if row.paper is not None:
        return f"{number(row.paper)} {row.unit}".strip()
    return "a picture alone" if row.where else NONE


def number(value: float) -> str:
    """A value with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def verdict(claim: Claim) -> str:
    """Whether a claim holds."""
    return {True: "holds", False: "does not hold", None: "open"}[claim.holds]


def cells(row: Row, made: Made) -> list[str]:
    """The cells of a row's line, below :data:`HEADS` with the axis of its experiment in the third place."""
    at = [] if not made.axis else [NONE if row.at is None else f"{row.at:g}"]
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


def directions(made: Made) -> list[str]:
    """The directions in which the values of an experiment are better."""
    return list(dict.fromkeys(row.better for row in made.rows if row.better != "neither"))
