"""A group whose point group, Bravais type or Schoenflies symbol is another than the file states is not taken."""

import gemmi
import pytest

from hpcvox.crystals.record import Crystal, Reject
from tests.support.small_cifs import NACL, cif, outcome, read

CUBE = (5.64, 5.64, 5.64, 90, 90, 90)
PRIMITIVE, WHOLE = (
    [operation.triplet() for operation in gemmi.SpaceGroup(name).operations()]
    for name in ("P m -3 m", "F m -3 m")
)
OF_ROCKSALT = [
    ("_space_group_name_Schoenflies", "Oh^5"),
    ("_space_group_name_Schoenflies", "O_h^5"),
    ("_space_group.name_Schoenflies", "Oh.5"),
    ("_space_group_Bravais_type", "cF"),
    ("_space_group_centring_type", "F"),
    ("_space_group_reference_setting", "225:F m -3 m"),
]


@pytest.mark.parametrize(("tag", "text"), OF_ROCKSALT)
def test_a_list_without_its_centrings_is_not_the_group(tag: str, text: str) -> None:
    assert outcome(cif(CUBE, NACL, {tag: text}, WHOLE)) == "OK 8"
    assert outcome(cif(CUBE, NACL, {tag: text, "_symmetry_Int_Tables_number": "225"})) == "OK 8"
    result = read(cif(CUBE, NACL, {tag: text}, PRIMITIVE))
    assert isinstance(result, Reject)
    assert result.code == "symmetry"
    assert (
        f"is 221 by the listed operations, which is not that of {tag.replace('.', '_')} {text}"
        in result.message
    )


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        *OF_ROCKSALT,
        ("_space_group_point_group_H-M", "m-3m"),
        ("_space_group.Laue_class", "m-3m"),
    ],
)
def test_the_identity_is_held_against_the_classes_of_the_group(tag: str, text: str) -> None:
    assert outcome(cif(CUBE, NACL, {tag: text}, ["x,y,z"])) == "symmetry"
    assert outcome(cif(CUBE, NACL, {tag: text, "_symmetry_space_group_name_H-M": "P 1"})) == "symmetry"
    assert outcome(cif(CUBE, NACL, {tag: "a word"}, ["x,y,z"])) == "OK 2"


@pytest.mark.parametrize(
    ("symbol", "cell", "items"),
    [
        ("R -3 m :H", (40, 40, 90, 90, 90, 120), {"Bravais_type": "hR", "centring_type": "R"}),
        ("R -3 m :R", (40, 40, 40, 70, 70, 70), {"Bravais_type": "hR", "centring_type": "P"}),
        ("I 1 2/a 1", (40, 50, 60, 90, 99, 90), {"Bravais_type": "mS", "centring_type": "I"}),
        ("C 1 2/c 1", (40, 50, 60, 90, 99, 90), {"Bravais_type": "mC", "point_group_H-M": "2/m"}),
        (
            "P 1",
            (40, 50, 60, 80, 99, 95),
            {"Bravais_type": "aP", "name_Schoenflies": "C1^1", "Laue_class": "-1"},
        ),
        ("P -6 m 2", (40, 40, 90, 90, 90, 120), {"Laue_class": "6/mmm", "point_group_H-M": "-6m2"}),
    ],
)
def test_a_group_agrees_with_its_own_classes(
    symbol: str, cell: tuple[float, ...], items: dict[str, str]
) -> None:
    stated = {f"_space_group_{end}": text for end, text in items.items()}
    result = read(cif(cell, ["C 0.13 0.29 0.41"], {"_symmetry_space_group_name_H-M": symbol, **stated}))
    assert isinstance(result, Crystal), result
    assert result.remarks == ()
