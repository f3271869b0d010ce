"""The paper's claims as statements that hold here or do not, by the rows of the other experiments."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hpcvox.reproduction import told
from hpcvox.reproduction.court import fig2, fig4, fig6, line, table2, table5
from hpcvox.reproduction.court.bench import DFC, PLAIN, WHOLE
from hpcvox.reproduction.experiment import Experiment, of_claims
from hpcvox.reproduction.spread import Sides, less
from hpcvox.reproduction.summary import Claim, Row

Key = tuple[str, str]
"""A quantity and a method."""

SPREAD: Final = "beyond the 95 % interval of Student's t over the draws"


class Comparison(NamedTuple):
    """A claim: the first row is less than the other, draw by draw."""

    statement: str
    where: str
    less: Key
    more: Key


class Limit(NamedTuple):
    """A claim: the mean of a row over the draws is within limits."""

    statement: str
    where: str
    row: Key
    least: float | None
    most: float | None


CLAIMS: Final[tuple[Comparison | Limit, ...]] = (
    Limit("The latent dimensions have means near 0", "Fig. 2a", (fig2.CENTRE, fig2.OF_ALL), -0.1, 0.1),
    Limit("and variances near 1", "Fig. 2a", (fig2.VARIANCE, fig2.OF_ALL), 0.9, 1.1),
    Comparison(
        "In the latent space crystals lie by their structural type",
        "Fig. 3",
        (fig2.CHANCE, fig2.OF_ALL),
        (fig2.ALIKE, fig2.OF_ALL),
    ),
    Comparison(
        "and by their formation energy",
        "Fig. 3",
        (fig2.ENERGY_GAP, fig2.OF_ALL),
        (fig2.ENERGY_ANY, fig2.OF_ALL),
    ),
    Limit(
        "Between two crystals lie crystals of the elements between theirs",
        "Fig. 2c",
        (line.BETWEEN, line.ON_LINE),
        1,
        None,
    ),
    Limit("Cell lengths come back within 0.06 Å", "Fig. 4a to c", (fig4.LENGTH, "a"), None, 0.06),
    Limit("Sites come back within 0.09 Å", "Fig. 4d", (table5.EMD, "sites"), None, 0.09),
    Comparison(
        "Ionic radii raise the recall of the UNet",
        "Table 5",
        (table5.RECALL, DFC.label),
        (table5.RECALL, WHOLE.label),
    ),
    Comparison("DFC lowers the EMD", "Table 5", (table5.EMD, DFC.label), (table5.EMD, PLAIN.label)),
    Comparison(
        "DFC lowers the error of the number of sites",
        "Table 5",
        (table5.DELTA_N, DFC.label),
        (table5.DELTA_N, PLAIN.label),
    ),
    Comparison("Ionic radii lower the EMD", "Table 5", (table5.EMD, WHOLE.label), (table5.EMD, DFC.label)),
    Limit("76 % of random samples are valid", "Generation", (fig6.VALID, fig6.RANDOM), 76, None),
    Limit("59 % of these have a formation energy below 0", "Generation", (fig6.BELOW, fig6.RANDOM), 59, None),
    Limit("Types occur that were not trained on", "Fig. 6a, b", (fig6.TYPES, fig6.RANDOM), 1, None),
    Comparison(
        "Around a base more samples are valid than at random",
        "Table 2",
        (fig6.VALID, fig6.RANDOM),
        (table2.VALID, table2.SHARE),
    ),
    Limit(
        "20 of 1,000 samples around a base pass all steps", "Table 2", (table2.LAST, table2.SHARE), 2, None
    ),
)


def experiment(rows: Callable[[], Sequence[Row]], needs: tuple[str, ...]) -> Experiment:
    """The experiment; see :func:`hpcvox.reproduction.experiment.of_claims`."""
    about = (
        "Each claim is judged by the values above. Where two rows are compared, by their differences in each "
        "draw; with one draw, or values that lie within their spread, it stays open."
    )
    return of_claims(about, lambda: judged(rows()), needs)


def judged(rows: Sequence[Row]) -> list[Claim]:
    """All claims, judged by ``rows``; those whose rows are missing stay open."""
    there = {(row.quantity, row.method): row for row in rows if row.values}
    return [_compared(one, there) if isinstance(one, Comparison) else _limited(one, there) for one in CLAIMS]


def _compared(claim: Comparison, there: dict[Key, Row]) -> Claim:
    first, other = there.get(claim.less), there.get(claim.more)
    # a draw without a value of one of them has no difference
    both = first is not None and other is not None and len(first.values) == len(other.values)
    holds = less(Sides(first, other)) if both and first is not None and other is not None else None
    return Claim(
        statement=claim.statement,
        where=claim.where,
        rule=f"{_named(claim.less)} less than {_named(claim.more)}, {SPREAD}",
        holds=holds,
        evidence="; ".join(_told(row, key) for row, key in ((first, claim.less), (other, claim.more))),
    )


def _limited(claim: Limit, there: dict[Key, Row]) -> Claim:
    row = there.get(claim.row)
    limits = [
        f"{word} {limit:g}"
        for word, limit in (("at least", claim.least), ("at most", claim.most))
        if limit is not None
    ]
    holds = None
    if row is not None:
        above = claim.least is None or row.mean >= claim.least
        holds = above and (claim.most is None or row.mean <= claim.most)
    return Claim(
        statement=claim.statement,
        where=claim.where,
        rule=f"mean over the draws {' and '.join(limits)}",
        holds=holds,
        evidence=_told(row, claim.row),
    )


def _named(key: Key) -> str:
    return f"{key[0]} ({key[1]})"


def _told(row: Row | None, key: Key) -> str:
    return f"{_named(key)}: {'not measured' if row is None else told.ours(row)}"
