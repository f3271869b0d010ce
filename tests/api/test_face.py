"""``import hpcvox`` is light, and what it has does what the verbs do: descriptors and placement."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from pymatgen.core import Lattice, Structure

import hpcvox
from hpcvox import config
from hpcvox.actors.campaign import parts_of
from hpcvox.crystals.record import Entry
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import ConfigError, Rejected
from hpcvox.featurize.job import Tally, finish
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.featurize.worker import ShardWorker
from hpcvox.shards.reading.densities import read_densities
from hpcvox.shards.reading.shard_set import ShardSet

CRYSTALS = [
    bulk("MgO", "rocksalt", a=4.21, cubic=True),
    bulk("CsCl", "cesiumchloride", a=4.12),
    Atoms(
        "SrTiO3",
        [[0, 0, 0], [1.95, 1.95, 1.95], [1.95, 1.95, 0], [1.95, 0, 1.95], [0, 1.95, 1.95]],
        cell=[3.9] * 3,
    ),
]
for one in CRYSTALS:
    one.pbc = True


def featurized(folder: Path, source: Path, *overrides: str) -> ShardSet:
    """The shard set that ``hpcvox featurize`` makes, by its worker in this process."""
    settings = config.load(
        FeaturizeSettings, None, [f"source={source}", f"out={folder / 'shards'}", *overrides]
    )
    settings.out.mkdir()
    entries: list[Entry] = list(open_source(settings.source))
    lines = [
        line
        for part in parts_of(entries, settings.entries_per_shard)
        if (line := ShardWorker(settings)(part).line) is not None
    ]
    finish(settings, source.name, Tally(lines, len(entries), 0))
    return ShardSet.open(settings.out)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The crystals as a database of ASE, exact to the bit."""
    path = tmp_path / "crystals.db"
    for atoms in CRYSTALS:
        write(path, atoms, append=path.exists())
    return path


def test_import_loads_nothing_heavy() -> None:
    probe = (
        "import sys, hpcvox; heavy = {'torch', 'ray', 'ase', 'h5py', 'numpy', 'pydantic'} & set(sys.modules);"
        "assert set(hpcvox.__all__) <= set(dir(hpcvox)); sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", hpcvox.__all__)
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(hpcvox, name).__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'voxelise'"):
        hpcvox.voxelise  # type: ignore[attr-defined] # noqa: B018


@pytest.mark.parametrize("overrides", [[], ["grid=padded", "voxels=16"], ["sigma=0.8", "dtype=float32"]])
def test_voxels_are_the_bytes_of_featurize(tmp_path: Path, source: Path, overrides: list[str]) -> None:
    shards = featurized(tmp_path, source, *overrides)
    asked = config.load(FeaturizeSettings, None, overrides).model_dump(
        include={o.split("=")[0] for o in overrides}
    )
    density, species = read_densities(shards, range(3))
    for row, atoms in enumerate(CRYSTALS):
        made = hpcvox.voxelize(atoms, **asked)
        assert made.density.tobytes() == density[row].tobytes()
        assert made.species.tobytes() == species[row].tobytes()
        assert made.cell.tobytes() == shards.cells[row].tobytes()


def test_fingerprints_are_the_bytes_of_featurize(tmp_path: Path, source: Path) -> None:
    shards = featurized(tmp_path, source, "descriptor=diffraction", "atoms=64")
    stored = shards.read_array("fingerprint", range(3))
    made = [hpcvox.diffraction_fingerprint(atoms, atoms=64) for atoms in CRYSTALS]
    assert np.stack(made).tobytes() == stored.tobytes()


def test_graphs_are_the_bytes_of_featurize(tmp_path: Path, source: Path) -> None:
    shards = featurized(tmp_path, source, "descriptor=graph", "neighbours=8")
    for row, atoms in enumerate(CRYSTALS):
        made = hpcvox.graph(atoms, neighbours=8)
        for name in ("neighbours", "distances"):
            assert getattr(made, name).tobytes() == shards.read_ragged(name, [row])[0].tobytes()


def test_r3dvs_is_what_a_training_makes_of_featurizes_spots(tmp_path: Path, source: Path) -> None:
    from hpcvox.descriptors.r3dvs import stored, voxels

    shards = featurized(tmp_path, source, "descriptor=r3dvs", "resolution=0.8")
    (g,), (amplitude,) = (shards.read_ragged(name, [1]) for name in ("g", "amplitude"))
    spots = stored(g, amplitude, shards.read_array("mean", [1])[0])
    assert np.array_equal(hpcvox.r3dvs(CRYSTALS[1], resolution=0.8), voxels(spots, 0.8))


@pytest.mark.parametrize("atoms", CRYSTALS, ids=lambda atoms: str(atoms.symbols))
def test_what_is_voxelized_is_placed_again(atoms: Atoms) -> None:
    back = hpcvox.place(hpcvox.voxelize(atoms))
    assert back.get_chemical_formula() == atoms.get_chemical_formula()
    moved = back.get_scaled_positions()[:, None] - atoms.get_scaled_positions()[None]
    assert np.abs(moved - np.rint(moved)).max(axis=2).min(axis=1).max() < 0.01


def test_a_structure_of_pymatgen_and_a_file_are_the_same_crystal(tmp_path: Path) -> None:
    atoms = CRYSTALS[0]
    structure = hpcvox.to_pymatgen(atoms)
    assert isinstance(structure, Structure)
    write(tmp_path / "x.cif", atoms)
    made = hpcvox.voxelize(atoms)
    for other in (structure, tmp_path / "x.cif", str(tmp_path / "x.cif")):
        assert np.array_equal(hpcvox.voxelize(other).density, made.density)
    assert hpcvox.to_ase(structure).get_chemical_formula() == "Mg4O4"


def test_what_cannot_be_used_says_why() -> None:
    mixed = Structure(Lattice.cubic(4.0), [{"Fe": 0.5, "Ni": 0.5}], [[0, 0, 0]])
    with pytest.raises(Rejected) as disordered:
        hpcvox.voxelize(mixed)
    assert disordered.value.code == "disordered"
    with pytest.raises(Rejected) as oblique:
        hpcvox.voxelize(bulk("Mg"))
    assert oblique.value.code == "not-cubic"
    assert hpcvox.voxelize(bulk("Mg"), shapes="any").density.shape == (32, 32, 32)
    with pytest.raises(ConfigError, match="unknown key voxls: did you mean voxels"):
        hpcvox.voxelize(CRYSTALS[0], voxls=16)
    with pytest.raises(ConfigError, match="a list is no crystal"):
        hpcvox.voxelize([])  # type: ignore[arg-type]


def test_pictures_have_their_units() -> None:
    made = hpcvox.voxelize(CRYSTALS[0], voxels=16)
    picture = hpcvox.plot_density(made, axis=0)
    assert [axes.get_ylabel() for axes in picture.axes] == ["along c (Å)", "density (e/Å³)"]
    print_ = hpcvox.plot_fingerprint(hpcvox.diffraction_fingerprint(CRYSTALS[0], atoms=64))
    assert len(print_.axes) == 4
