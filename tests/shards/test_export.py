"""Exported crystals: every one of them, as other programs and hpcvox itself read them."""

import csv
import io
import resource
from collections.abc import Sequence
from pathlib import Path

import ase.io
import numpy as np
import pytest

from hpcvox.actors.campaign import parts_of
from hpcvox.cli import main
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import ShardError
from hpcvox.featurize.export import export
from hpcvox.featurize.export_formats import FORMATS
from hpcvox.featurize.job import Tally, finish
from hpcvox.featurize.settings import DensitySettings
from hpcvox.featurize.worker import ShardWorker
from hpcvox.shards.reading.densities import read_densities
from hpcvox.shards.reading.shard_set import ShardSet
from tests.support.crystal_sources import perovskite, write_table


def featurize(source: Path, out: Path, **settings: object) -> ShardSet:
    """The shard set that ``hpcvox featurize`` makes, in this process."""
    chosen = DensitySettings(source=source, out=out, voxels=16, entries_per_shard=4, **settings)
    entries = list(open_source(source))
    out.mkdir()
    lines = []
    for part in parts_of(entries, 4):
        line = ShardWorker(chosen)(part).line
        assert line is not None
        lines.append(line)
    finish(chosen, source.name, Tally(lines, len(entries), 0))
    return ShardSet.open(out)


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> ShardSet:
    """Nine crystals in four shards, one of them tetragonal and without one of the two targets, and rejects."""
    folder = tmp_path_factory.mktemp("set")
    with write_table(folder / "plain.csv", 8, bad_every=5).open() as file:
        rows = list(csv.DictReader(file))
    tall = perovskite("Sr", "Ti", "O", 3.9).replace("_cell_length_c 3.9", "_cell_length_c 4.1")
    third = perovskite("Ba", "Zr", "F", 4.2).replace("0.0 0.0 0.0", "0.0123456789 0.0 0.0")
    for i, (name, cif) in enumerate([("a, \"b\" 'c' d=é", tall), ("1234", third)]):
        rows.append({"material_id": name, "cif": cif, "energy": "" if i == 0 else 0.1})
    for i, row in enumerate(rows):
        row["band gap (eV)"] = 1 / (i + 3)
    rows += [{"material_id": f"bad-{i}", "cif": "data_x"} for i in range(6)]  # a shard of rejects alone
    with (folder / "source.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["material_id", "cif", "energy", "band gap (eV)"])
        table.writeheader()
        table.writerows(rows)
    return featurize(folder / "source.csv", folder / "set", shapes="orthogonal")


def check_crystals(
    shards: ShardSet,
    cells: Sequence[np.ndarray],
    numbers: Sequence[np.ndarray],
    frac: Sequence[np.ndarray],
    atol: float,
) -> None:
    assert len(cells) == len(numbers) == len(frac) == len(shards) == 9
    for i in range(len(shards)):
        z, x = shards.sites(i)
        np.testing.assert_array_equal(numbers[i], z)
        np.testing.assert_allclose(cells[i], shards.cells[i], atol=atol)
        off = np.asarray(frac[i]).reshape(-1, 3) - x
        assert np.abs(off - np.round(off)).max() <= atol


def test_csv_featurizes_to_the_same_set(shards: ShardSet, tmp_path: Path) -> None:
    out = tmp_path / "crystals.csv"
    assert str(out) in export(shards.folder, out).summary
    again = featurize(out, tmp_path / "again", shapes="orthogonal")
    assert again.manifest.n_rejects == 0
    assert (again.ids, again.formulas) == (shards.ids, shards.formulas)
    assert again.target_names == shards.target_names == ["band gap (eV)", "energy"]
    for name in shards.target_names:
        np.testing.assert_array_equal(again.target(name), shards.target(name))
    assert np.isnan(again.target("energy")[shards.ids.index("a, \"b\" 'c' d=é")])
    sites = [again.sites(i) for i in range(9)]
    check_crystals(shards, list(again.cells), [z for z, _ in sites], [x for _, x in sites], 1e-6)
    (density, species), (want, elements) = read_densities(again, range(9)), read_densities(shards, range(9))
    np.testing.assert_array_equal(species, elements)
    np.testing.assert_allclose(density, want, rtol=2e-3, atol=1e-4)


def test_extxyz_is_read_by_ase(shards: ShardSet, tmp_path: Path) -> None:
    out = tmp_path / "crystals.extxyz"
    export(shards.folder, out)
    frames = ase.io.read(out, ":", format="extxyz")
    check_crystals(
        shards,
        [f.cell.array for f in frames],
        [f.numbers for f in frames],
        [f.get_scaled_positions() for f in frames],
        1e-7,
    )
    assert all(f.pbc.all() for f in frames)
    assert [str(f.info["id"]) for f in frames] == shards.ids
    assert [f.info["formula"] for f in frames] == shards.formulas
    energies = [f.get_potential_energy() if f.calc else np.nan for f in frames]
    np.testing.assert_array_equal(energies, shards.target("energy"))


def test_targets_are_keys_of_a_frame_that_ase_reads(shards: ShardSet, tmp_path: Path) -> None:
    out = tmp_path / "crystals.extxyz"
    export(shards.folder, out)
    frames = ase.io.read(out, ":", format="extxyz")
    np.testing.assert_array_equal([f.info["band_gap_(eV)"] for f in frames], shards.target("band gap (eV)"))


def test_parquet(shards: ShardSet, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / "crystals.parquet"
    export(shards.folder, out)
    table = parquet.read_table(out).to_pydict()
    cells = [np.reshape(cell, (3, 3)) for cell in table["cell"]]
    check_crystals(shards, cells, table["site_number"], table["site_frac"], 0.0)
    assert (table["material_id"], table["formula"]) == (shards.ids, shards.formulas)
    for name in shards.target_names:
        values = [np.nan if value is None else value for value in table[name]]
        np.testing.assert_array_equal(values, shards.target(name))
    with_cif = tmp_path / "crystals.csv"
    export(shards.folder, with_cif)
    with with_cif.open(newline="") as file:
        assert [row["cif"] for row in csv.DictReader(file)] == table["cif"]


def test_npz_is_read_by_numpy(shards: ShardSet, tmp_path: Path) -> None:
    out = tmp_path / "crystals"
    export(shards.folder, out)
    files = sorted(out.iterdir())
    assert [path.stem for path in files] == [line.file[:-3] for line in shards.manifest.shards]
    parts = [dict(np.load(path)) for path in files]
    ids = [name for part in parts for name in part["id"].tolist()]
    assert ids == shards.ids
    numbers, frac = [], []
    for part in parts:
        for start, end in zip(part["site_offset"], part["site_offset"][1:], strict=False):
            numbers.append(part["site_number"][start:end])
            frac.append(part["site_frac"][start:end])
    check_crystals(shards, [cell for part in parts for cell in part["cell"]], numbers, frac, 0.0)
    energies = np.concatenate([part["targets.energy"] for part in parts])
    np.testing.assert_array_equal(energies, shards.target("energy"))
    with pytest.raises(ShardError, match="there already"):
        export(shards.folder, out)


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_set_gives_the_same_bytes(shards: ShardSet, tmp_path: Path, suffix: str) -> None:
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        out = tmp_path / name / f"crystals{suffix}"
        export(shards.folder, out)
        made.append([path.read_bytes() for path in (sorted(out.iterdir()) if out.is_dir() else [out])])
    assert made[0] == made[1]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_disk_that_refuses_leaves_what_was_there(shards: ShardSet, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"crystals{suffix}"
    if suffix:
        out.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        with pytest.raises(ShardError, match=f"cannot write .*crystals{suffix}"):
            export(shards.folder, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert out.read_text() == "old" if suffix else not out.exists()
    assert [path for path in tmp_path.iterdir() if path != out] == []
    if suffix:
        out.unlink()
    export(shards.folder, out)  # and with room it goes
    assert out.exists()


def test_a_damaged_shard_is_named(shards: ShardSet, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for path in shards.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    shard = folder / "shard-00001.h5"
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(ShardError, match="shard-00001"):
        export(folder, tmp_path / "x.csv")
    assert not list(tmp_path.glob("*x.csv*"))


def test_a_target_with_the_name_of_a_column_is_refused(tmp_path: Path) -> None:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerows([["id", "cif", "formula"], ["x", perovskite("Sr", "Ti", "O", 3.9), 1.5]])
    (tmp_path / "t.csv").write_text(text.getvalue())
    clash = featurize(tmp_path / "t.csv", tmp_path / "set")
    with pytest.raises(ShardError, match=r"'formula' has the name of another column.*extxyz"):
        export(clash.folder, tmp_path / "x.csv")
    export(clash.folder, tmp_path / "x.extxyz")
    frame = ase.io.read(tmp_path / "x.extxyz")
    assert isinstance(frame, ase.Atoms)
    assert (frame.info["formula"], frame.info["formula_"]) == ("SrTiO3", 1.5)


def test_the_command(shards: ShardSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(shards.folder)
    out = tmp_path / "new" / "x.csv"
    assert main(["shards", "export", folder, str(out)]) == 0
    said = capsys.readouterr().out.strip().splitlines()[-1]
    assert said == f"export: 9 crystals of {folder} as a table with a CIF column in {out}"
    assert main(["shards", "export", folder, str(tmp_path / "x.xlsx")]) == 2
    error = capsys.readouterr().err
    assert all(suffix in error for suffix in FORMATS)
    assert main(["shards", "export", folder]) == 2
    assert "usage: hpcvox shards export SET OUT" in capsys.readouterr().err
    assert main(["shards", "export", "--help"]) == 0
    assert "plain HDF5" in capsys.readouterr().out
