"""The language of ``where``: what it means, and that nothing else gets through."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hpcvox.errors import ConfigError
from hpcvox.screening.expression import DEEPEST, LONGEST, parse
from hpcvox.screening.summary import identifier

NAMES = ("formation_energy", "band_gap", "n_sites")
ROW = {"formation_energy": -0.7, "band_gap": 2.5, "n_sites": 5.0}

numbers = st.recursive(
    st.sampled_from(NAMES) | st.floats(0, 1e6).map(repr) | st.integers(0, 99).map(str),
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda text: f"-{text}")
    ),
    max_leaves=8,
)
comparisons = st.lists(
    st.tuples(st.sampled_from(("<", "<=", ">", ">=", "==", "!=")), numbers), min_size=1, max_size=3
)
truths = st.recursive(
    st.tuples(numbers, comparisons).map(lambda made: " ".join([made[0], *(f"{o} {n}" for o, n in made[1])])),
    lambda inner: (
        st.tuples(inner, st.sampled_from(("and", "or")), inner).map(lambda parts: f"({' '.join(parts)})")
        | inner.map(lambda text: f"not ({text})")
    ),
    max_leaves=6,
)


def answer(text: str) -> bool | str:
    """Whether the row fulfils it, or the error."""
    try:
        return parse(text, NAMES)(ROW)
    except ConfigError as error:
        return str(error)


@given(truths, st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_it_means_what_python_would_say(text: str, values: list[float]) -> None:
    row = dict(zip(NAMES, values, strict=True))
    assert parse(text, NAMES)(row) == eval(text, {"__builtins__": {}}, row)  # noqa: S307 - texts made here


@given(st.text())
@example("__import__('os').system('true') < 1")
@example("().__class__ < 1")
@example("1 if band_gap else 2")
def test_any_text_is_an_expression_or_an_error_that_says_so(text: str) -> None:
    said = answer(text)
    assert isinstance(said, bool) or said.startswith("where: ")


@given(st.text(alphabet="()<>=!+-*/. 019andort_bgp[]{},:'\"", max_size=60))
def test_texts_like_expressions_are_read_or_refused(text: str) -> None:
    said = answer(text)
    assert isinstance(said, bool) or said.startswith("where: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("band_gap.real < 1", "'band_gap.real' is none of what may be written here"),
        ("abs(band_gap) < 1", r"'abs\(band_gap\)' is none of"),
        ("band_gap[0] < 1", "is none of"),
        ("(lambda: 1)() < 1", "is none of"),
        ("[x for x in ()] == 1", "is none of"),
        ("(band_gap := 1) < 2", "is none of"),
        ("band_gap ** 99 ** 99 < 1", "is none of"),
        ("band_gap % 2 < 1", "is none of"),
        ("band_gap in (1, 2)", "is none of"),
        ("band_gap is 1", "is none of"),
        ("(band_gap > 1) & (n_sites > 1)", "write and"),
        ("band_gap > 1 | n_sites > 1", "write or"),
        ("f'{band_gap}' < 1", "is none of"),
        ("... < 1", "is none of"),
        ("'a' < 1", "is no number"),
        ("True", "'True' is no number"),
        ("band_gap < None", "is no number"),
        ("1j < 2", "is no number"),
        ("1e999 < band_gap", "too large a number"),
        (f"{'9' * 400} < band_gap", "too large a number"),
        (f"{'9' * 5000} < band_gap", "where: "),
        ("band_gap", "'band_gap' is a number; compare it"),
        ("band_gap and n_sites > 1", "'band_gap' is a number"),
        ("not band_gap", "'band_gap' is a number"),
        ("(band_gap > 1) + 1 > 1", "'band_gap > 1' is true or false"),
        ("(band_gap > 1) == (n_sites > 1)", "is true or false"),
        (
            "bnd_gap > 1",
            "no column bnd_gap: did you mean band_gap.*valid: formation_energy, band_gap, n_sites",
        ),
        ("bandgap > 1", "did you mean band_gap"),
        ("band_gap = 1", "where: "),
        ("band_gap > 1; import os", "where: "),
        ("band_gap >", "invalid syntax"),
        ("band_gap > 1 # and n_sites > 1", "a comment"),
        ("", "empty"),
        (" \n ", "empty"),
        ("band_gap > 1\0", "where: "),
        ("(" * 500 + "band_gap" + ")" * 500 + " > 1", "where: "),
        ("-" * 9000 + "band_gap > 1", "where: "),
        ("not " * 2000 + "band_gap > 1", "where: "),
        ("1 + " * 2000 + "band_gap > 1", f"more than {DEEPEST} levels"),
        ("1" + "[0]" * 3000 + " > 1", "where: "),
        ("f(" * 90 + ")" * 90, "is none of"),
        ("band_gap > 1 and " * LONGEST + "band_gap > 1", "at most 10,000 are taken"),
    ],
)
def test_what_is_refused_and_how_it_is_said(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        parse(text, NAMES)
    assert len(str(error.value)) < 400


def test_clauses_are_those_that_and_joins_at_the_top() -> None:
    text = "formation_energy < -0.5 and 1.0 < band_gap < 3.0 and (n_sites < 3 or not n_sites == 4)"
    expression = parse(text, NAMES)
    assert [clause.text for clause in expression.clauses] == [
        "formation_energy < -0.5",
        "1.0 < band_gap < 3.0",
        "n_sites < 3 or not n_sites == 4",
    ]
    assert expression(ROW)
    assert not expression(ROW | {"band_gap": 3.0})
    assert [clause.text for clause in parse("n_sites < 3 or\n  n_sites > 4", NAMES).clauses] == [
        "n_sites < 3 or n_sites > 4"
    ]


@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "==", "!="])
def test_what_is_not_known_compares_false(op: str) -> None:
    row = ROW | {"band_gap": math.nan}
    assert not parse(f"band_gap {op} 1", NAMES)(row)
    assert not parse(f"band_gap {op} band_gap", NAMES)(row)
    assert not parse(f"1 / (n_sites - 5) {op} 1", NAMES)(row)
    assert parse(f"not band_gap {op} 1", NAMES)(row)


def test_any_column_has_a_name() -> None:
    given = ["band_gap", "my energy (eV/atom)", "2d", "class", "ΔE", "n-sites"]
    names = [identifier(column) for column in given]
    assert names == ["band_gap", "my_energy__eV_atom_", "_2d", "_class", "ΔE", "n_sites"]
    for name in names:
        assert parse(f"{name} > 1", names)(dict.fromkeys(names, 2.0))
