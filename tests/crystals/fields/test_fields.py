"""Fields read back from files of other programs' writers, from real files, and from damaged ones."""

import bz2
import contextlib
import csv
import gzip
import io
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io.cube import write_cube
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure
from pymatgen.io.vasp import Chgcar, Locpot, Poscar

from hpcvox.crystals.fields import crystal, read_chgcar, read_cube, read_field, read_locpot
from hpcvox.crystals.fields.cube import BOHR, HARTREE
from hpcvox.crystals.fields.text import Text
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Fault, Reject
from hpcvox.crystals.sources.source import open_fields
from hpcvox.errors import Rejected

LATTICE = np.array([[4.1, 0.0, 0.0], [0.9, 4.6, 0.0], [-0.4, 0.7, 5.2]])
FRAC = np.array([[0.1, 0.2, 0.3], [0.6, 0.7, 0.85], [0.4, 0.9, 0.05]])
SHAPE = (4, 6, 5)
COUNT = 4 * 6 * 5


def values(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, SHAPE)


@pytest.fixture(scope="module")
def chgcar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CHGCAR with spin and augmentation."""
    path = tmp_path_factory.mktemp("vasp") / "CHGCAR"
    poscar = Poscar(Structure(LATTICE, ["Ti", "O", "O"], FRAC))
    data = {"total": values(0), "diff": values(1)}
    augmentation = [
        *("augmentation occupancies   1   3\n", "  0.27E+00 -0.33E-01  0.00E+00\n"),
        "  0.6E+00  0.1E+00  0.1E+00\n",
    ]
    augmented: dict[str, Any] = {"total": augmentation, "diff": augmentation[:2]}  # lines, as they are read
    Chgcar(poscar, data, augmented).write_file(path)
    return path


def rejected(path: Path, text: bytes, code: str, match: str | None = None) -> None:
    path.write_bytes(text)
    with pytest.raises(Rejected, match=match) as error:
        read_field(path)
    assert error.value.code == code, str(error.value)


def test_a_chgcar_of_pymatgen(chgcar: Path) -> None:
    field = read_field(chgcar)
    volume = np.linalg.det(LATTICE)
    np.testing.assert_allclose(field.lattice, LATTICE, atol=1e-6)
    np.testing.assert_allclose(field.frac, FRAC, atol=1e-6)
    assert field.numbers.tolist() == [22, 8, 8]
    assert field.names == ("total", "spin")
    assert (field.units, field.kind) == ("e/Å^3", "density")
    np.testing.assert_allclose(field.values, np.stack([values(0), values(1)]) / volume, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(field.integral, [values(0).mean(), values(1).mean()], rtol=1e-6)


def test_a_locpot_is_not_divided_by_the_volume(tmp_path: Path) -> None:
    path = tmp_path / "LOCPOT"
    Locpot(Poscar(Structure(LATTICE, ["Ti", "O", "O"], FRAC)), {"total": values()}).write_file(path)
    field = read_field(path)
    np.testing.assert_allclose(field.values[0], values(), rtol=1e-8, atol=1e-9)
    assert (field.names, field.units, field.kind) == (("total",), "eV", "potential")


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compression_is_told_by_the_bytes(
    chgcar: Path, tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    packed = compress(chgcar.read_bytes())
    path = tmp_path / "CHGCAR"
    path.write_bytes(packed)
    np.testing.assert_array_equal(read_chgcar(path).values, read_chgcar(chgcar).values)
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(Rejected):
        read_chgcar(path)


@pytest.mark.parametrize("angstrom", [False, True])
def test_a_cube_of_ase(tmp_path: Path, angstrom: bool) -> None:
    path = tmp_path / "x.cube"
    origin = np.array([0.3, -0.2, 0.5])
    atoms = Atoms(numbers=[22, 8, 8], scaled_positions=FRAC, cell=LATTICE, pbc=True)
    atoms.positions += origin
    with path.open("w") as file:
        write_cube(file, atoms, values(), origin=origin)
    if angstrom:
        lines = path.read_text().splitlines()
        for i in range(2, 9):
            words = lines[i].split()
            first = 1 if i < 6 else 2
            lengths = [f"{float(word) * BOHR:.8f}" for word in words[first : 4 if i < 6 else 5]]
            count = f"-{words[0]}" if 3 <= i < 6 else words[0]
            lines[i] = " ".join([count, *words[1:first], *lengths])
        path.write_text("\n".join(lines))
    field = read_field(path)
    np.testing.assert_allclose(field.lattice, LATTICE, atol=2e-5)
    np.testing.assert_allclose(field.frac, FRAC, atol=1e-5)
    assert field.numbers.tolist() == [22, 8, 8]
    np.testing.assert_allclose(field.values[0], values() / BOHR**3, rtol=2e-4, atol=1e-4)
    np.testing.assert_allclose(read_cube(path, "potential").values, field.values * BOHR**3 * HARTREE)
    np.testing.assert_allclose(read_cube(path, "other").values, field.values * BOHR**3)


@pytest.mark.parametrize("orbitals", [False, True])
def test_a_cube_of_several_data_sets(tmp_path: Path, orbitals: bool) -> None:
    data = np.random.default_rng(2).normal(size=(2, 2, 2, 3))
    head = f"a\nb\n {-1 if orbitals else 1} 0 0 0{'' if orbitals else ' 2'}\n2 3 0 0\n2 0 3 0\n3 0 0 3\n8 0 1 1 1\n"
    ids = "2 7\n 9\n" if orbitals else ""
    path = tmp_path / "x.cub"
    path.write_text(head + ids + " ".join(f"{value:.9E}" for value in np.moveaxis(data, 0, 3).ravel()))
    field = read_cube(path, "other")
    np.testing.assert_allclose(field.values, data, rtol=1e-8)
    assert field.names == (("orbital 7", "orbital 9") if orbitals else ("set 1", "set 2"))


def poscar(elements: str = "Ti O\n", scale: str = "1.0", coordinates: str = "Direct") -> str:
    return f"made\n{scale}\n4 0 0\n0 4 0\n0 0 4\n{elements}1 1\n{coordinates}\n0 0 0\n0.5 0.5 0.5\n\n"


BLOCK = "2 2 2\n" + " ".join(str(i) for i in range(8)) + "\n"


@pytest.mark.parametrize(
    ("head", "lattice", "frac"),
    [
        (poscar(), 4.0, 0.5),
        (poscar(scale="-512"), 8.0, 0.5),
        (poscar(scale="2 2 2"), 8.0, 0.5),
        (poscar(scale="2", coordinates="Selective dynamics\nCartesian"), 8.0, 0.125),
        (poscar(elements="Ti_sv O/1a2b\n"), 4.0, 0.5),
        (poscar(elements="").replace("made", "Ti O"), 4.0, 0.5),
    ],
)
def test_the_ways_of_a_poscar(tmp_path: Path, head: str, lattice: float, frac: float) -> None:
    path = tmp_path / "CHGCAR"
    path.write_text(head + BLOCK)
    field = read_field(path)
    assert field.lattice[0, 0] == pytest.approx(lattice)
    assert field.frac[1].tolist() == pytest.approx([frac] * 3)
    assert field.numbers.tolist() == [22, 8]
    assert field.values[0, 1, 0, 0] * lattice**3 == pytest.approx(1)  # the first axis runs fastest
    assert field.values[0, 0, 0, 1] * lattice**3 == pytest.approx(4)


def test_numbers_as_fortran_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "LOCPOT"
    path.write_text(poscar() + "2 2 1\n -.5E+00 0.25D+01\n 0.1-100 3\n")
    assert read_field(path).values.ravel(order="F").tolist() == [-0.5, 2.5, 1e-101, 3]


@pytest.mark.parametrize(
    ("block", "code", "match"),
    [
        ("", "truncated", "ends before the grid"),
        ("2 2 2\n0 1 2 3 4", "truncated", "channel 1 ends after 5 of 8 values"),
        (BLOCK + "2 2 2\n1 2 3\n", "truncated", "channel 2 ends after 3 of 8 values"),
        (BLOCK + "2 2 3\n1 2 3\n", "grid", r"after channel 1 comes a grid of \[2, 2, 3\]"),
        (BLOCK + "1 2 3 4 5\n", "grid", "more values"),
        ("2 2\n1 2 3 4", "grid", "three counts"),
        ("2 x 2\n1 2 3 4", "grid", "three counts"),
        ("0 2 2\n1 2 3 4", "grid", "three counts"),
        ("5000 5000 5000\n1 2 3 4", "too-large", "5000"),
        ("500 500 500\n1 2 3 4", "truncated", "4 of 125000000"),
        ("2 2 2\n0 1 2 nan 4 5 6 7", "not-finite", "value 4 of 8"),
        ("2 2 2\n0 1 2 **** 4 5 6 7", "number", r"value 4 of 8 of channel 1 is '\*\*\*\*'"),
        ("2 2 2\n0 1 2 1_0 4 5 6 7", "number", "1_0"),
        ("2 2 2\n0 1 2 1.5.2 4 5 6 7", "number", "1.5.2"),
        ("2 2 2\n0 1 2 1-2 4 5 6 7", "number", "1-2"),
        ("2 2 2\n0 1 2 1E999 4 5 6 7", "not-finite", "value 4 of 8"),
        ("2 2 2\n0 1 2 1E300 4 5 6 7", "not-finite", "value 4 of 8 of channel 1 is 1e"),
        (3 * BLOCK, "truncated", "3 blocks"),
        (5 * BLOCK, "grid", "more than four"),
    ],
)
def test_blocks_that_are_refused(tmp_path: Path, block: str, code: str, match: str) -> None:
    rejected(tmp_path / "CHGCAR", (poscar() + block).encode(), code, match)


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("", "truncated"),
        (poscar(scale="x"), "header"),
        (poscar(scale="0"), "header"),
        (poscar(scale="1 2"), "header"),
        (poscar(scale="nan"), "header"),
        (poscar().replace("4 0 0", "0 4 0"), "cell"),
        (poscar().replace("4 0 0", "inf 4 0"), "cell"),
        (poscar(elements="Ti Qq\n"), "element"),
        (poscar(elements="Ti\n"), "element"),
        (poscar(elements=""), "element"),
        (poscar(coordinates="Polar"), "header"),
        (poscar().replace("0.5 0.5 0.5", "0.5 0.5"), "header"),
        (poscar().replace("0.5 0.5 0.5", "0.5 nan 0"), "coordinates"),
        (poscar().replace("1 1", "1 999999"), "too-many-sites"),
        ("x" * 200000, "not-text"),
    ],
)
def test_heads_that_are_refused(tmp_path: Path, head: str, code: str) -> None:
    rejected(tmp_path / "CHGCAR", (head + BLOCK if head and head[0] != "x" else head).encode(), code)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("2 3 0 0", "-2 3 0 0", "grid"),
        ("2 3 0 0", "2.5 3 0 0", "header"),
        ("8 0 1 1 1", "0 0 1 1 1", "element"),
        ("0 1 2 3", "0 1 2", "truncated"),
        ("0 1 2 3", "0 1 2 3 4", "grid"),
        ("1 0 0 0", "1 0 0 0 99", "header"),
        ("1 0 0 0", "x", "header"),
        ("1 0 0 0", "-1 0 0 0", "header"),
    ],
)
def test_cubes_that_are_refused(tmp_path: Path, old: str, new: str, code: str) -> None:
    whole = "a\nb\n1 0 0 0\n2 3 0 0\n2 0 3 0\n1 0 0 3\n8 0 1 1 1\n0 1 2 3\n"
    (tmp_path / "y.cube").write_text(whole)
    read_field(tmp_path / "y.cube")
    rejected(tmp_path / "x.cube", whole.replace(old, new).encode(), code)


def both_faces(second: str = "17 0 2 2 2") -> str:
    """A cube file of CsCl with the caesium atom on all corners of its cell of 4 Å, in Å."""
    corners = "".join(f"55 0 {x} {y} {z}\n" for x in (0, 4) for y in (0, 4) for z in (0, 4))
    return f"a\nb\n9 0 0 0\n-2 2 0 0\n-2 0 2 0\n-2 0 0 2\n{corners}{second}\n0 1 2 3 4 5 6 7\n"


def test_an_atom_on_both_faces_of_a_cube_is_one_atom(tmp_path: Path) -> None:
    (tmp_path / "x.cube").write_text(both_faces())
    field = read_field(tmp_path / "x.cube")
    assert field.numbers.tolist() == [55, 17]
    np.testing.assert_allclose(field.frac, [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]], atol=1e-12)
    assert field.values.ravel().tolist() == pytest.approx([k / BOHR**3 for k in range(8)])


def test_a_number_for_each_listed_atom_is_passed_over_where_some_are_one_atom(tmp_path: Path) -> None:
    head = poscar(elements="Ti O\n").replace("\n1 1\n", "\n2 1\n").replace("0 0 0\n0.5", "0 0 0\n1 0 1\n0.5")
    (tmp_path / "CHGCAR").write_text(head + BLOCK + "0.1 0.2 0.3\n" + BLOCK)
    field = read_field(tmp_path / "CHGCAR")
    assert field.numbers.tolist() == [22, 8]
    assert field.names == ("total", "spin")
    np.testing.assert_array_equal(field.values[0], field.values[1])


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (both_faces("17 0 0.08 0 0"), "overlapping-sites", r"\(Cs\) and 9 \(Cl\) are 0.080 Å apart"),
        (both_faces("55 0 0.5 0 0"), "overlapping-sites", "2 Cs atoms come no nearer than 2.44 Å"),
        (both_faces().replace("-2 2 0 0", "-2 .1 0 0"), "cell", "thinner than 0.4"),
        (both_faces("17 0 99999 2 2"), "coordinates", "atom 9"),
        (both_faces().replace("9 0 0 0", "9_0 0 0 0"), "header", "9_0"),
    ],
)
def test_sites_of_a_field_are_held_to_what_all_sites_are(
    tmp_path: Path, text: str, code: str, words: str
) -> None:
    rejected(tmp_path / "x.cube", text.encode(), code, words)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as error:
        read_field(tmp_path / "CHGCAR")
    assert error.value.code == "unreadable"
    with pytest.raises(Rejected) as error:
        read_field(tmp_path / "x.txt")
    assert error.value.code == "unknown-format"
    rejected(tmp_path / "CHGCAR", b"\xfd7zXZ\0 garbage", "damaged")


@settings(max_examples=200, deadline=None)
@given(
    words=st.lists(
        st.one_of(
            st.floats(-1e90, 1e90).map(repr),
            st.integers(-(10**25), 10**25).map(str),
            st.tuples(st.floats(-1e9, 1e9), st.integers(0, 25)).map(lambda pair: f"{pair[0]:.{pair[1]}E}"),
            st.tuples(st.floats(-1e9, 1e9), st.integers(0, 25)).map(lambda pair: f"{pair[0]:.{pair[1]}f}"),
        ),
        min_size=1,
    ),
    parts=st.lists(st.sampled_from([" ", "\n", "  \n ", "\t"]), min_size=1),
    more=st.sampled_from(["", " 7 8", "\nwords"]),
)
def test_every_number_is_the_float64_nearest_to_it(words: list[str], parts: list[str], more: str) -> None:
    text = "".join(word + parts[i % len(parts)] for i, word in enumerate(words)) + more
    stream = Text(io.BytesIO(text.encode()), "x")
    assert stream.block(len(words), "values").tolist() == [float(word) for word in words]
    rest = [line.split() for line in iter(stream.line, None)]
    assert [word for line in rest for word in line] == more.split()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_gives_a_field_or_a_reason(chgcar: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Whatever the bytes: finite values, or Rejected."""
    whole = chgcar.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    if data.draw(st.booleans()):
        start = min(start, 400) if data.draw(st.booleans()) else start
    text = whole[:start] + data.draw(st.binary(max_size=40)) + whole[start + data.draw(st.integers(0, 60)) :]
    path = tmp_path / data.draw(st.sampled_from(["CHGCAR", "LOCPOT", "x.cube"]))
    path.write_bytes(text)
    with contextlib.suppress(Rejected):
        assert np.isfinite(read_field(path).values).all()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.lists(
            st.one_of(st.integers(-3, 9).map(str), st.floats().map(str), st.text(max_size=6)), max_size=6
        ).map(" ".join),
        max_size=20,
    ),
    name=st.sampled_from(["CHGCAR", "LOCPOT", "x.cube"]),
)
def test_any_text_gives_a_field_or_a_reason(tmp_path: Path, lines: list[str], name: str) -> None:
    path = tmp_path / name
    path.write_text("\n".join(lines), encoding="utf-8", errors="replace")
    with contextlib.suppress(Rejected):
        assert np.isfinite(read_field(path).values).all()


def test_memory_is_a_few_times_the_field(tmp_path: Path) -> None:
    path = tmp_path / "LOCPOT"
    n = 64
    path.write_text(poscar() + f"{n} {n} {n}\n" + f"{'0.12345678901E+00 ' * 5}\n" * (n**3 // 5 + 1))
    path.write_text(path.read_text()[: -18 * (5 - n**3 % 5) - 1])
    tracemalloc.start()
    try:
        field = read_locpot(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert field.values.shape == (1, n, n, n)
    assert peak < 3 * field.values.nbytes + 16e6


def test_real_files_hold_their_electrons(shared_data: Path) -> None:
    folder = shared_data / "charge_density"
    with (folder / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 10
    for row in rows:
        field = read_field(folder / row["file"])
        assert "x".join(map(str, field.values.shape[1:])) == row["grid"]
        assert len(field.numbers) == int(row["natoms"])
        assert abs(np.linalg.det(field.lattice)) == pytest.approx(float(row["volume_A3"]), rel=1e-4)
        if row["integral"]:
            assert field.integral[0] == pytest.approx(float(row["integral"]), abs=2e-4), row["file"]
            assert field.values[0].min() == pytest.approx(float(row["min_e_per_A3"]), rel=1e-3, abs=1e-6)
            assert field.values[0].max() == pytest.approx(float(row["max_e_per_A3"]), rel=1e-3)
        if row["spin_integral"]:
            assert field.integral[1] == pytest.approx(float(row["spin_integral"]), abs=2e-4), row["file"]


def test_a_field_without_atoms_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.cube"
    path.write_text("a\nb\n0 0 0 0\n2 3 0 0\n2 0 3 0\n2 0 0 3\n" + 8 * "1.0 " + "\n")
    (entry,) = open_fields(path)
    (result,) = parse(entry)
    assert isinstance(result, Reject)
    assert result.code == "no-sites"


def test_an_entry_of_a_field_names_its_file_and_has_no_text(chgcar: Path) -> None:
    (entry,) = open_fields(chgcar)
    assert entry.file == chgcar.resolve()
    assert entry.text == b""


def test_a_field_with_a_fault_or_a_file_that_upsets_its_reader_is_a_reject(
    chgcar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upset(*_: object) -> None:
        raise ZeroDivisionError("of a library")

    (entry,) = open_fields(chgcar)
    (doubled,) = parse(entry._replace(fault=Fault("duplicate-id", "another has it")))
    assert doubled == Reject("CHGCAR", entry.origin, "duplicate-id", "another has it")
    monkeypatch.setattr(crystal, "read_field", upset)
    (result,) = parse(entry)
    assert result == Reject("CHGCAR", entry.origin, "unreadable", "ZeroDivisionError: of a library")


def small_cube(value: float, comment: str = "", step: float = 1.9, atoms: str = "55 0 0 0 0") -> str:
    """A cube of one caesium atom at the origin of a cubic cell of four steps."""
    axes = "".join(
        f"4 {step if i == 0 else 0} {step if i == 1 else 0} {step if i == 2 else 0}\n" for i in range(3)
    )
    return f"made\n{comment}\n1 0 0 0\n{axes}{atoms}\n" + 64 * f"{value} "


@pytest.mark.parametrize(("value", "electrons"), [(0.0, "0"), (-0.1, "-43.9")])
def test_a_density_without_electrons_is_none(tmp_path: Path, value: float, electrons: str) -> None:
    (tmp_path / "x.cube").write_text(small_cube(value))
    (result,) = parse(next(iter(open_fields(tmp_path, "density"))))
    assert isinstance(result, Reject)
    assert result.code == "other-quantity"
    assert f"integral over the cell is {electrons} electrons" in result.message
    (result,) = parse(next(iter(open_fields(tmp_path, "potential"))))
    assert not isinstance(result, Reject)


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: gzip.compress(text.replace("\n", "\r").encode("utf-16")),
    ],
)
def test_a_field_is_text_of_any_encoding_and_line_ends(
    tmp_path: Path, chgcar: Path, encoded: Callable[[str], bytes]
) -> None:
    for name, text in {"x.cube": small_cube(0.5), "CHGCAR": chgcar.read_text()}.items():
        (tmp_path / f"plain_{name}").write_text(text)
        (tmp_path / name).write_bytes(encoded(text))
        plain, other = read_field(tmp_path / f"plain_{name}"), read_field(tmp_path / name)
        np.testing.assert_array_equal(other.values, plain.values)
        np.testing.assert_array_equal(other.lattice, plain.lattice)


def salt_cube(comment: str, sign: int, scale: float) -> str:
    """Rocksalt's primitive cell of CsCl's kind, 4.12 Å times ``scale``, on a grid of counts of this ``sign``."""
    length = 4.12 * scale
    return (
        small_cube(0.5, comment, length / 4, f"55 0 0 0 0\n17 0 {3 * f'{length / 2} '}")
        .replace("\n1 0 0 0\n4", "\n2 0 0 0\n4")
        .replace("\n4 ", f"\n{4 * sign} ")
    )


@pytest.mark.parametrize(
    ("comment", "sign", "scale"),
    [
        ("", 1, 1 / BOHR),
        ("", -1, 1.0),
        ("Atomic coordinates in Angstroms", 1, 1.0),
        ("lengths in Å", 1, 1.0),
        ("Atomic coordinates in Angstroms", 1, 1 / BOHR),  # the comment is wrong
        ("all lengths in bohr", -1, 1 / BOHR),
        ("all lengths in bohr", -1, 1.0),
        ("density in e/Å^3 and in electrons/Angstrom^3", 1, 1 / BOHR),
        ("Bohr, not Angstrom", 1, 1 / BOHR),
    ],
)
def test_where_comment_and_counts_contradict_the_distances_tell_the_unit(
    tmp_path: Path, comment: str, sign: int, scale: float
) -> None:
    (tmp_path / "x.cube").write_text(salt_cube(comment, sign, scale))
    field = read_field(tmp_path / "x.cube")
    np.testing.assert_allclose(field.lattice, 4.12 * np.eye(3), rtol=1e-6)
    np.testing.assert_allclose(field.frac, [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]], atol=1e-6)


def test_a_cube_whose_distances_fit_neither_unit_names_both(tmp_path: Path) -> None:
    rejected(
        tmp_path / "x.cube", salt_cube("in Angstrom", 1, 4.0).encode(), "header", "Bohr, the comment says Å"
    )
    (tmp_path / "x.cube").write_text(salt_cube("in Bohr or Angstrom", 1, 4.0))
    assert read_field(tmp_path / "x.cube").lattice[0, 0] == pytest.approx(4 * 4.12 * BOHR)
