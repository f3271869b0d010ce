"""Numbers of CIFs: to the last bit those of Python, with or without an uncertainty."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.crystals.formats.cif.numbers import number, numbers
from tests.support.small_cifs import outcome

ANGLES = {"a": "alpha", "b": "beta", "c": "gamma"}


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


def test_quotation_marks_around_a_number_are_left_out() -> None:
    assert [number(text) for text in ("'5.64'", '"5.640(1)"', "' 5.64 '", ";5.64\n;")] == [5.64] * 4
    assert numbers(["'0.5'", "0.25", '"1/3"', "'0.25(1)'"])[:2] == [0.5, 0.25]
    assert numbers(["'0.5'", '"0.25(1)"', "1"]) == [0.5, 0.25, 1.0]
    for text in ("'?'", "''", "'", "'5_64'", "'a'"):
        with pytest.raises(ValueError, match=r"."):
            number(text)


def test_a_file_whose_numbers_are_all_in_quotes_is_read() -> None:
    sites = "".join(f"Fe '{x}' '{x}' \"{x}\" '1.0'\n" for x in (0, 0.5))
    cell = "".join(
        f"_cell_length_{axis} '2.87(1)'\n_cell_angle_{angle} '90'\n" for axis, angle in ANGLES.items()
    )
    columns = "".join(
        f"_atom_site_{name}\n" for name in ("type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
    )
    assert outcome(f"data_x\n{cell}loop_\n{columns}{sites}") == "OK 2"
