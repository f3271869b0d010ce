"""The paper's claims as statements that hold here or do not, by the rows of the other experiments."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from hpcvox.networks.fingerprint.settings import SPACE_GROUPS
from hpcvox.reproduction import told
from hpcvox.reproduction.experiment import Experiment, of_claims
from hpcvox.reproduction.judging import all_of, at_least
from hpcvox.reproduction.summary import Claim, Row
from hpcvox.reproduction.ziletti.fig4 import ALONG, CUBIC, PATH, POINTS, TRANSITION
from hpcvox.reproduction.ziletti.figs1 import quantity as displaced
from hpcvox.reproduction.ziletti.maps import ATTENDED, BRIGHTEST, DARK
from hpcvox.reproduction.ziletti.tables import (
    DISPLACED,
    NETWORK,
    SIGMAS,
    SPGLIB,
    SUBSTITUTED,
    SUBSTITUTIONS,
    VACANCIES,
    VACANT,
    WHOLE,
)

Answer = tuple[bool | None, str]
"""Whether something holds, and our values."""

SPREAD: Final = "in the mean over the draws, beyond the 95 % interval of Student's t"

CERTAIN: Final = 0.95
"""Probability at which a class counts as certain."""

CUBIC_NEAR: Final = 0.1
"""Distance from a cubic point of the path, in its unit, at which crystals are not asked to be hex/rh."""

NOTHING: Final = 1.0
"""Accuracy in % up to which a method counts as never right."""


class Values:
    """The rows of the other experiments, by what they measure."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = {(row.quantity, row.method, row.at): row for row in rows if row.values}

    def __call__(self, quantity: str, method: str, at: float | None = None) -> Row | None:
        """The row; None if it was not measured."""
        return self._rows.get((quantity, method, at))

    def least(self, quantity: str, method: str, at: float | None, least: float) -> Answer:
        """Whether our values are at least ``least``."""
        row = self(quantity, method, at)
        if row is None:
            return None, "not measured"
        return at_least(row.values, least), told.ours(row)


class Statement(NamedTuple):
    """A claim of the paper, and how it is judged."""

    statement: str
    where: str
    rule: str
    judge: Callable[[Values], Answer]


def _all_least(values: Values, places: Sequence[tuple[str, str, float | None]], least: float) -> Answer:
    """Whether all places have at least ``least``; tells the least of them."""
    answers = [values.least(*place, least)[0] for place in places]
    rows = [row for place in places if (row := values(*place)) is not None]
    if not rows:
        return None, "not measured"
    worst = min(rows, key=lambda row: row.mean)
    at = "" if worst.at is None else f" at {worst.at:g}"
    return all_of(answers), f"least {told.ours(worst)}{at}"


def _beats(values: Values) -> Answer:
    """Whether the network is never behind spglib, and ahead of it at every level at which the paper's is."""
    answers: list[bool | None] = []
    least: list[tuple[float, str]] = []
    places = [(DISPLACED, at) for at in SIGMAS] + [(VACANT, round(100 * one, 6)) for one in VACANCIES]
    for quantity, at in places:
        ours = values(quantity, NETWORK, at)
        for name in SPGLIB.values():
            theirs = values(quantity, name, at)
            if ours is None or theirs is None:
                return None, "not measured"
            gaps = [a - b for a, b in zip(ours.values, theirs.values, strict=True)]
            answers.append(at_least(gaps, 0))
            least.append((ours.mean - theirs.mean, f"{name} at {at:g} ({quantity.split(', ')[1]})"))
    gap, where = min(least)
    return all_of(answers), f"least gain {told.number(gap, '%')} % over {where}"


def _never_right(values: Values) -> Answer:
    rows = [values(DISPLACED, name, at) for name in SPGLIB.values() for at in SIGMAS if at >= 0.02]
    found = [row for row in rows if row is not None]
    if not found:
        return None, "not measured"
    best = max(found, key=lambda row: row.mean)
    answers = [at_least([NOTHING - value for value in row.values], 0) for row in found]
    return all_of(answers), f"at most {told.number(best.mean, '%')} %, {best.method} at {best.at:g} Å"


def _transition(values: Values) -> Answer:
    answers = [values.least(TRANSITION, "bcc", at, CERTAIN)[0] for at in (0.0, 10.0, 20.0, 30.0, 40.0, 50.0)]
    answers += [values.least(TRANSITION, "sc", 100.0, CERTAIN)[0]]
    half, end = values(TRANSITION, "bcc", 50.0), values(TRANSITION, "sc", 100.0)
    if half is None or end is None:
        return None, "not measured"
    return all_of(
        answers
    ), f"bcc {told.number(half.mean)} at 50 % removed, sc {told.number(end.mean)} at 100 %"


def _path(values: Values) -> Answer:
    """Whether cubic points have their class as the most probable one, and all others hex/rh."""
    wrong, asked, alone = [], 0, False
    for point in POINTS:
        cubic = [kind for kind, at in CUBIC.items() if at == point]
        near = any(abs(point - at) <= CUBIC_NEAR + 1e-9 for at in CUBIC.values())
        if near and not cubic:
            continue
        rows = {kind: row for kind in ALONG if (row := values(PATH, kind, point)) is not None}
        if not rows:
            return None, "not measured"
        asked += 1
        alone = any(len(row.values) < 2 for row in rows.values())
        if max(rows, key=lambda kind: rows[kind].mean) != (cubic[0] if cubic else "hex/rh"):
            wrong.append(point)
    places = ", ".join(f"{point:g}" for point in wrong)
    return None if alone else not wrong, f"{asked - len(wrong)} of {asked} points" + (
        f"; not at {places}" if wrong else ""
    )


def _melts(values: Values) -> Answer:
    """Whether fcc is certain up to 0.075, and less so from 0.1 to 0.2 on."""
    first, last = (values(displaced("fcc"), "fcc", at) for at in (0.1, 0.2))
    if first is None or last is None:
        return None, "not measured"
    certain = values.least(displaced("fcc"), "fcc", 0.075, CERTAIN)
    drop = at_least([a - b for a, b in zip(first.values, last.values, strict=True)], 0.1)
    said = f"{certain[1]} at 0.075, {told.number(first.mean)} at 0.1, {told.number(last.mean)} at 0.2"
    return all_of([certain[0], drop]), said


def _looks(values: Values) -> Answer:
    """Whether the class is lost more by the light where the network looks than by the brightest."""
    pairs = [[values(f"{DARK}, {kind}", method) for method in (BRIGHTEST, ATTENDED)] for kind in SPACE_GROUPS]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    if len(known) < len(pairs):
        return None, "not measured"
    draws = range(len(known[0][0].values))
    gaps = [sum(a.values[n] - b.values[n] for a, b in known) / len(known) for n in draws]
    means = [sum(pair[side].mean for pair in known) / len(known) for side in (1, 0)]
    said = f"{told.number(means[0])} without the light where it looks, {told.number(means[1])} without the brightest"
    return at_least(gaps, 0) if any(gaps) else False, said


STATEMENTS: Final = (
    Statement(
        "Every perfect crystal that was held out is named rightly",
        "The model performance",
        f"100 %, {SPREAD}",
        lambda values: values.least(WHOLE, NETWORK, None, 100.0),
    ),
    Statement(
        "Displaced by 0.06 Å all crystals are named rightly",
        "Table 1",
        f"100 % up to there, {SPREAD}",
        lambda values: _all_least(values, [(DISPLACED, NETWORK, at) for at in SIGMAS if at <= 0.06], 100.0),
    ),
    Statement(
        "Displaced by 0.10 Å nearly all are",
        "Table S1",
        f"at least 99.9 %, {SPREAD}",
        lambda values: values.least(DISPLACED, NETWORK, 0.1, 99.9),
    ),
    Statement(
        "Without 40 % of the atoms all are",
        "Table S2",
        f"100 % up to there, {SPREAD}",
        lambda values: _all_least(
            values, [(VACANT, NETWORK, round(100 * one, 6)) for one in VACANCIES if one <= 0.4], 100.0
        ),
    ),
    Statement(
        "Without 60 % more than 97 % are",
        "The model performance",
        f"at least 97 %, {SPREAD}",
        lambda values: values.least(VACANT, NETWORK, 60.0, 97.0),
    ),
    Statement(
        "Without 70 % most are",
        "Table S2",
        f"at least 89 %, {SPREAD}",
        lambda values: values.least(VACANT, NETWORK, 70.0, 89.0),
    ),
    Statement(
        "Substituted atoms change nothing",
        "Supplementary Note 1",
        f"100 % at each share, {SPREAD}",
        lambda values: _all_least(
            values, [(SUBSTITUTED, NETWORK, round(100 * one, 6)) for one in SUBSTITUTIONS], 100.0
        ),
    ),
    Statement(
        "The network is as good as spglib or better at each level of displacement and vacancies",
        "Tables S1 and S2",
        f"not behind any tolerance, {SPREAD}",
        _beats,
    ),
    Statement(
        "Displaced by 0.02 Å or more spglib is never right",
        "The model performance",
        f"at most {NOTHING:g} % at each tolerance, {SPREAD}",
        _never_right,
    ),
    Statement(
        "bcc stays bcc while half of its centres are removed, and is sc when all are",
        "Fig. 4b",
        f"probabilities of at least {CERTAIN:g}, {SPREAD}",
        _transition,
    ),
    Statement(
        "On the rhombohedral path bcc, sc and fcc are found, and hex/rh everywhere else",
        "Fig. 4d",
        f"the most probable class in the mean; points within {CUBIC_NEAR:g} of a cubic one do not count",
        _path,
    ),
    Statement(
        "fcc is certain up to a Lindemann parameter of 0.075, and becomes uncertain from 0.1 to 0.2",
        "Fig. S1a",
        f"a probability of at least {CERTAIN:g}, then a drop of at least 0.1, {SPREAD}",
        _melts,
    ),
    Statement(
        "The network names the class by what the maps show",
        "Opening the black-box",
        f"the mean probability falls further without that light than without the brightest, {SPREAD}",
        _looks,
    ),
)


def experiment(rows: Callable[[], Sequence[Row]], needs: tuple[str, ...]) -> Experiment:
    """The experiment; see :func:`hpcvox.reproduction.experiment.of_claims`."""
    about = (
        "Each claim is judged by the values above, of networks that were trained on perfect crystals. With one "
        "draw, or values that lie within their spread, it stays open."
    )
    return of_claims(about, lambda: judged(rows()), needs)


def judged(rows: Sequence[Row]) -> list[Claim]:
    """All claims, judged by ``rows``; those whose rows are missing stay open."""
    values = Values(rows)
    claims = []
    for one in STATEMENTS:
        holds, evidence = one.judge(values)
        claims.append(
            Claim(statement=one.statement, where=one.where, rule=one.rule, holds=holds, evidence=evidence)
        )
    return claims
