"""Kinds of crystals by their formulas."""

from hpcvox.report.kinds import kinds_of


def test_kinds_of_formulas() -> None:
    formulas = ["SrTiO3", "BaZrO3", "NaCl", "O2", "AlCu2Mn", "H", "CaF2", "Fe2O3", "K2O7S2", "LaAlO3"]
    kinds = kinds_of(formulas)
    assert kinds[:7] == ["ABC3", "ABC3", "AB", "A2", "ABC2", "A", "AB2"]
    assert kinds[7:] == ["other", "other", "ABC3"]
