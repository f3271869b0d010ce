"""From text to numbers: what Python takes and nobody else does is refused."""

import pytest

from hpcvox.crystals.decimals import decimal, decimals


def test_decimals_are_read_as_python_reads_them() -> None:
    words = ["0", "-1.5", "+.25", "1e-3", "4.", " 7 "]
    assert decimals(words) == [decimal(word) for word in words] == [0, -1.5, 0.25, 0.001, 4, 7]
    assert decimals([]) == []


@pytest.mark.parametrize("word", ["4_12", "1_000.5", "٤.١٢", "𝟓", "0x10", "1,5", "", "4.05(2)"])
def test_other_spellings_are_quoted(word: str) -> None:
    for read in (lambda: decimal(word), lambda: decimals(["1.5", word, "2"])):
        with pytest.raises(ValueError, match="is not a number") as error:
            read()
        assert repr(word) in str(error.value)
