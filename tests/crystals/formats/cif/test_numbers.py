"""Numbers of CIFs: to the last bit those of Python, with or without an uncertainty."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.crystals.formats.cif.numbers import number, numbers


@given(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["{!r}", "{:.6f}", "{:.4e}", "{:+.8f}"])
)
def test_a_number_is_read_to_the_last_bit(value: float, form: str) -> None:
    written = form.format(value)
    assert number(written) == float(written)
    assert numbers([written, "0.5"]) == [float(written), 0.5]


@given(st.integers(0, 10**6), st.integers(1, 99))
def test_its_uncertainty_is_left_out(digits: int, uncertainty: int) -> None:
    written = f"{digits / 10_000:.4f}"
    assert number(f"{written}({uncertainty})") == float(written)


@pytest.mark.parametrize("text", ["?", ".", "", "1_000", "0x10", "٤", "1.2.3", "abc"])
def test_what_is_no_number_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        number(text)
    assert math.isnan(numbers(["0.5", text])[1])


def test_what_no_double_holds_is_zero_or_infinite() -> None:
    assert numbers(["1e-400", "1e400", "0.25"]) == [0.0, math.inf, 0.25]
