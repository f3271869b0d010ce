"""Which relaxed crystals are finds."""

import math
from dataclasses import replace

import numpy as np
import pytest

from hpcvox.crystals.known import Known
from hpcvox.crystals.record import Crystal
from hpcvox.generation.settings import Reason as Implausible
from hpcvox.rounds.steps.keeping import Before, Ended, verdicts
from hpcvox.rounds.summary import Reason

IMPLAUSIBLE: list[Implausible] = ["too-near", "too-dense", "too-empty", "element"]


def perovskite(id: str, a: int = 38, b: int = 22, length: float = 3.9) -> Crystal:
    frac = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    return Crystal(id, "made", np.eye(3) * length, frac, np.array([a, b, 8, 8, 8], np.uint8), {})


def ended(id: str, *above: float, crystal: Crystal | None = None, code: str = "") -> Ended:
    names = ("chgnet", "sevennet")
    return Ended(id, crystal or perovskite(id), code, "said", dict(zip(names, above, strict=False)))


NOTHING = Before(Known(()), [], Known(()))


def judged(*given: Ended, before: Before = NOTHING, limit: float = 0.1) -> dict[str, Reason | None]:
    return {one.id: one.reason for one in verdicts(given, limit, IMPLAUSIBLE, before)}


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (ended("a", 0.1), None),
        (ended("a", -0.2, 0.05), None),
        (ended("a", 0.100001), Reason.ABOVE),
        (ended("a", -0.2, 0.11), Reason.ABOVE),
        (ended("a", 0.0, math.nan), Reason.NO_HULL),
        (ended("a"), Reason.NO_HULL),
        (ended("a", 0.0, code="not-converged"), Reason.NOT_CONVERGED),
        (ended("a", 0.0, crystal=perovskite("a", length=8.0)), Reason.NOT_PLAUSIBLE),
    ],
)
def test_by_itself_a_find_is_converged_plausible_and_near_every_hull(
    one: Ended, reason: Reason | None
) -> None:
    assert judged(one) == {"a": reason}


def test_what_has_no_crystal_is_none() -> None:
    (verdict,) = verdicts([Ended("a", None, "timeout", "too long", {})], 0.1, IMPLAUSIBLE, NOTHING)
    assert (verdict.reason, verdict.message) == (Reason.NOT_RELAXED, "timeout: too long")


def test_of_several_that_became_the_same_the_lowest_is_the_find() -> None:
    higher, lower = ended("a", 0.08), ended("b", 0.02)
    same = replace(perovskite("c"), frac=perovskite("c").frac + 0.01)
    assert judged(higher, lower, ended("c", 0.02, crystal=same)) == {
        "a": Reason.DUPLICATE,
        "b": None,
        "c": Reason.DUPLICATE,
    }


def test_the_order_of_what_is_given_does_not_matter() -> None:
    given = [ended("a", 0.05), ended("b", 0.05), ended("c", 0.01, crystal=perovskite("c", a=56))]
    assert judged(*given) == judged(*given[::-1]) == {"a": None, "b": Reason.DUPLICATE, "c": None}


def test_what_was_found_trained_on_or_known_is_no_find() -> None:
    have = Known([perovskite("r1-d0-000001", length=3.95)])
    for before, reason in (
        (Before(Known(()), [], have), Reason.FOUND_BEFORE),
        (Before(have, [], Known(())), Reason.TRAINED_ON),
        (Before(Known(()), [Known(()), have], Known(())), Reason.KNOWN),
        (Before(have, [have], have), Reason.FOUND_BEFORE),
    ):
        (verdict,) = verdicts([ended("a", 0.0)], 0.1, IMPLAUSIBLE, before)
        assert (verdict.reason, verdict.match) == (reason, "r1-d0-000001")
    assert judged(ended("a", 0.0, crystal=perovskite("a", a=20)), before=Before(have, [have], have)) == {
        "a": None
    }
