"""The fast float16 conversions are NumPy's, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.shards.half import from_half, to_half


def test_all_halves_widen_exactly() -> None:
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    out = np.empty(65536, np.float32)
    from_half(halves, out)
    np.testing.assert_array_equal(out, halves.astype(np.float32))
    finite = np.isfinite(out)
    np.testing.assert_array_equal(
        out.view(np.uint32)[finite], halves.astype(np.float32).view(np.uint32)[finite]
    )


def test_rounding_is_numpys_at_every_half_and_between() -> None:
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    middles = (halves[:-1] + halves[1:]) / 2
    around = [np.nextafter(middles, np.float32(-np.inf)), middles, np.nextafter(middles, np.float32(np.inf))]
    values = np.concatenate([halves, *around, [65504.0, 65519.9, 65520.0, 1e30, np.inf, 1e-45]])
    values = np.concatenate([values, -values]).astype(np.float32)
    out = np.empty(values.shape, np.float16)
    to_half(values, out)
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16)
    np.testing.assert_array_equal(out.view(np.uint16), expected.view(np.uint16))


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=100))
def test_any_bits(bits: list[int]) -> None:
    values = np.array(bits, np.uint32).view(np.float32)
    out = np.empty(values.shape, np.float16)
    to_half(values, out)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(out, values.astype(np.float16))
