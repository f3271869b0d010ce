"""Every descriptor as a job: what is in the shards is what the descriptor says, whoever made it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Chgcar, Poscar

from hpcvox import config
from hpcvox.actors.campaign import parts_of
from hpcvox.actors.cluster import cluster
from hpcvox.actors.pool import ActorPool
from hpcvox.crystals.fields import read_field
from hpcvox.descriptors.atoms import superposed_atoms, superposed_spots
from hpcvox.descriptors.clusters import Cell, conventional_cell, displaced, scaled, supercell, without
from hpcvox.descriptors.coulomb import ewald_spectrum
from hpcvox.descriptors.diffraction import fingerprint
from hpcvox.descriptors.graph import crystal_graph
from hpcvox.descriptors.r3dvs import Spots, diffraction_spots, voxels
from hpcvox.descriptors.soap import soap_features
from hpcvox.errors import ConfigError, ShardError
from hpcvox.featurize.job import Tally, finish, opened, run
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.featurize.worker import ShardWorker
from hpcvox.process.outcome import COMPLETE_WITH_REJECTS
from hpcvox.process.settings_files import CONFIG
from hpcvox.shards.inspect import DAMAGED, info
from hpcvox.shards.inspect import verify as verify_set
from hpcvox.shards.reading.densities import grid_voxels
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.verify import verify
from tests.support.crystal_sources import write_table


@pytest.fixture(scope="module")
def pool() -> Iterator[ActorPool]:
    """One Ray for all tests here."""
    with cluster(2) as actors:
        yield ActorPool(lambda: actors)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source of 14 crystals, two of which are rejects."""
    return write_table(tmp_path_factory.mktemp("source") / "perovskites.csv", 14, bad_every=5)


Make = Callable[..., Path]


@pytest.fixture
def make(table: Path, tmp_path: Path, pool: ActorPool) -> Make:
    """``make(descriptor, *settings, actors=0)`` makes a shard set of the table, whose folder it returns.

    It is made by the job, on so many actors, or by this process alone, which starts nothing for it.
    """

    def make(descriptor: str, *overrides: str, actors: int = 0) -> Path:
        out = tmp_path / f"{descriptor}-{actors}{len(overrides)}"
        given = [f"source={table}", f"out={out}", f"actors={actors or 1}", "entries_per_shard=5", *overrides]
        settings = config.load(FeaturizeSettings, None, [f"descriptor={descriptor}", *given])
        if actors:
            assert run(settings).exit_status == COMPLETE_WITH_REJECTS
        else:
            alone(settings)
        return out

    return make


def alone(settings: FeaturizeSettings) -> None:
    """Make the set in this process, as one actor after the other would make its shards."""
    settings.out.mkdir(parents=True)
    config.save(settings, settings.out / CONFIG)
    source, worker = opened(settings), ShardWorker(settings)
    parts = list(parts_of(source, settings.entries_per_shard))
    lines = [line for part in parts if (line := worker(part).line) is not None]
    finish(settings, source.path.name, Tally(lines, sum(len(part.items) for part in parts), 0))


def cells(shards: ShardSet) -> Iterator[Cell]:
    for i in range(len(shards)):
        numbers, frac = shards.sites(i)
        yield Cell(shards.cells[i], frac, numbers)


@pytest.mark.parametrize(
    ("descriptor", "given"),
    [("r3dvs", []), ("soap", ["centres=[]"]), ("diffraction", []), ("graph", []), ("coulomb", [])],
)
def test_two_actors_write_the_bytes_that_one_process_alone_does(
    make: Make, descriptor: str, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    two, one = make(descriptor, *given, actors=2), make(descriptor, *given)
    assert two != one
    names = sorted(p.name for p in two.glob("*.h5"))
    assert len(names) >= 3
    for name in (*names, "manifest.json", "rejects.csv"):
        assert (two / name).read_bytes() == (one / name).read_bytes(), name
    assert verify(two) == []
    assert info(two).summary.endswith("12 samples, 2 rejects")
    assert ["descriptor", descriptor] in [line.split() for line in capsys.readouterr().out.splitlines()]


def test_graphs_are_ragged_and_those_of_the_descriptor(make: Make) -> None:
    out = make("graph", "neighbours=8")
    shards = ShardSet.open(out)
    order = [7, 0, 11, 7]
    neighbours, distances = shards.read_ragged("neighbours", order), shards.read_ragged("distances", order)
    all_cells = list(cells(shards))
    for i, near, far in zip(order, neighbours, distances, strict=True):
        exact = crystal_graph(all_cells[i], 8)
        np.testing.assert_array_equal(near, exact.neighbours)
        np.testing.assert_array_equal(far, exact.distances)
    with h5py.File(out / "shard-00001.h5") as file:
        first, end = file["site_offset"][2:4]
        assert file["neighbours"].attrs["axes"].decode() == "site,edge"
        np.testing.assert_array_equal(
            file["neighbours"][first:end], crystal_graph(all_cells[6], 8).neighbours
        )
    with pytest.raises(
        ShardError, match="holds the descriptor graph, which has no density: it has neighbours"
    ):
        _ = grid_voxels(shards)
    with pytest.raises(ValueError, match="ragged"):
        shards.read_array("neighbours", [0])


def test_every_flipped_byte_of_a_ragged_array_is_found_with_its_sample(make: Make) -> None:
    out = make("graph")
    path = out / "shard-00000.h5"
    whole = path.read_bytes()
    with h5py.File(path) as file:
        start = file["distances"].id.get_offset()
        offsets, ids = file["site_offset"][:], file["id"].asstr()[:].tolist()
    for sample, id in enumerate(ids):
        damaged = bytearray(whole)
        damaged[start + 4 * 12 * int(offsets[sample])] ^= 1
        path.write_bytes(damaged)
        assert [d.sample for d in verify(out)] == [id]
    assert verify_set(out).exit_status == DAMAGED


def test_fingerprints_are_those_of_the_descriptor_with_its_defects(make: Make) -> None:
    out = make("diffraction", "pixels=16", "atoms=40", "vacancies=0.2", "displacement=0.05", "seed=3")
    shards = ShardSet.open(out)
    images = shards.read_array("fingerprint", range(len(shards)))
    with h5py.File(out / "set.h5") as file:
        entries = file["entry"][:].tolist()
    for image, cell, entry in zip(images, cells(shards), entries, strict=True):
        random = np.random.default_rng([3, entry, 0])
        cluster = supercell(conventional_cell(cell), 40)
        cluster = scaled(displaced(without(cluster, 0.2, random), 0.05, random))
        np.testing.assert_array_equal(image, fingerprint(cluster.positions, cluster.numbers, 16))
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_spectra_are_those_of_the_descriptor(make: Make) -> None:
    shards = ShardSet.open(make("coulomb", "max_sites=6"))
    spectra = shards.read_array("spectrum", range(len(shards)))
    for spectrum, cell in zip(spectra, cells(shards), strict=True):
        np.testing.assert_array_equal(spectrum, ewald_spectrum(cell, 6))


def test_features_are_those_of_soap(make: Make) -> None:
    shards = ShardSet.open(make("soap", "n_max=3", "l_max=2", "centres=[]", "delta=0.5"))
    features = shards.read_array("features", range(len(shards)))
    for row, cell in zip(features, cells(shards), strict=True):
        np.testing.assert_array_equal(
            row, soap_features(cell, (), delta=0.5, n_max=3, l_max=2).astype(np.float32)
        )


def test_spots_are_those_of_the_superposed_atoms(make: Make) -> None:
    shards = ShardSet.open(make("r3dvs", "resolution=0.8"))
    g, amplitude = (shards.read_ragged(name, range(len(shards))) for name in ("g", "amplitude"))
    mean = shards.read_array("mean", range(len(shards)))
    for i, cell in enumerate(cells(shards)):
        field = superposed_atoms(cell.lattice, cell.frac, cell.numbers, (48, 48, 48))
        exact = voxels(diffraction_spots(field, cell.lattice, 0.8), 0.8)
        stored = voxels(Spots(g[i].astype(float), amplitude[i].T.astype(float), mean[i].astype(float)), 0.8)
        np.testing.assert_allclose(stored, exact, atol=1e-6 * exact.max())


@pytest.fixture
def chgcars(tmp_path: Path) -> Path:
    """A folder of densities of superposed atoms, one too coarse, one cut short and a potential among them."""
    folder = tmp_path / "vasp"
    for name, element, length, points in (
        ("a", "Mg", 3.2, 24),
        ("b", "Cs", 4.1, 24),
        ("coarse", "Cs", 4.1, 7),
    ):
        structure = Structure(Lattice.cubic(length), [element, "O"], [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
        numbers = np.array([site.specie.Z for site in structure], np.uint8)
        density = superposed_atoms(structure.lattice.matrix, structure.frac_coords, numbers, (points,) * 3)[0]
        (folder / name).mkdir(parents=True)
        total = density * structure.volume
        Chgcar(Poscar(structure), {"total": total, "diff": total / 7}).write_file(folder / name / "CHGCAR")
        (folder / name / "POSCAR").write_text(str(Poscar(structure)))
    whole = (folder / "a" / "CHGCAR").read_text()
    (folder / "cut.CHGCAR").write_text("\n".join(whole.splitlines()[:40]))
    (folder / "LOCPOT").write_text(whole)
    return folder


def test_spots_of_field_files(make: Make, chgcars: Path, tmp_path: Path) -> None:
    out = make("r3dvs", "field=file", "channels=2", "resolution=0.5", f"source={chgcars}")
    shards = ShardSet.open(out)
    assert shards.ids == ["a/CHGCAR", "b/CHGCAR"]
    codes = shards.manifest.rejects_by_code
    assert codes == {"grid-too-coarse": 1, "other-quantity": 1, "truncated": 1}
    g, amplitude = (shards.read_ragged(name, [0, 1]) for name in ("g", "amplitude"))
    for i, name in enumerate(shards.ids):
        field = read_field(chgcars / name)
        exact = diffraction_spots(field.values, field.lattice, 0.5)
        np.testing.assert_array_equal(g[i], exact.g.astype(np.float32))
        np.testing.assert_array_equal(amplitude[i], exact.amplitude.T.astype(np.float32))
        # what was written is the superposition of atoms
        analytic = superposed_spots(field.lattice, field.frac, field.numbers, 0.5)
        np.testing.assert_allclose(exact.amplitude[0], analytic.amplitude[0], atol=1e-6 * analytic.mean[0])
    made = (out / "shard-00000.h5").read_bytes()
    elsewhere = tmp_path / "another" / "place" / "vasp"
    elsewhere.parent.mkdir(parents=True)
    chgcars.rename(elsewhere)
    settings = config.load(FeaturizeSettings, out / "config.yaml", [f"source={elsewhere}"])
    assert "5 inputs kept" in run(settings).summary
    (elsewhere / "a" / "CHGCAR").write_bytes((elsewhere / "b" / "CHGCAR").read_bytes())
    assert "inputs kept" not in run(settings).summary
    assert (out / "shard-00000.h5").read_bytes() != made


def test_a_set_of_another_descriptor_is_made_anew_where_that_is_asked_for(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    out = make("coulomb")
    with pytest.raises(
        ConfigError, match=r"holds results of other settings: descriptor .'coulomb' → 'graph'"
    ):
        make("graph", f"out={out}", actors=1)
    assert verify(out) == []
    make("graph", f"out={out}", "overwrite=true", actors=1)
    assert "is made anew: descriptor ('coulomb' → 'graph')" in capsys.readouterr().err
    shards = ShardSet.open(out)
    assert shards.manifest.descriptor == "graph"
    assert verify(out) == []
