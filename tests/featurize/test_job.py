"""The featurization job on a real Ray: exact, order-independent, resumable, and nothing lost."""

import csv
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hpcvox import config
from hpcvox.actors.campaign import Part
from hpcvox.actors.cluster import cluster
from hpcvox.actors.pool import ActorPool
from hpcvox.crystals.record import Entry
from hpcvox.crystals.sources.source import open_source
from hpcvox.descriptors.density import voxelize
from hpcvox.descriptors.oblique import voxelize_oblique
from hpcvox.errors import ConfigError, SourceError
from hpcvox.featurize import job
from hpcvox.featurize.job import build, finish, run
from hpcvox.featurize.settings import DensitySettings
from hpcvox.featurize.worker import ShardResult, ShardWorker
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS
from hpcvox.shards.reading.densities import read_densities
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.verify import verify
from tests.support.crystal_sources import perovskite, write_table


@pytest.fixture(scope="module")
def pool() -> Iterator[ActorPool]:
    """One Ray for all tests here; the job finds it running and uses it."""
    with cluster(3) as actors:
        yield ActorPool(lambda: actors)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source of 45 crystals, four of which are rejects."""
    return write_table(tmp_path_factory.mktemp("source") / "perovskites.csv", 45, bad_every=11)


@pytest.fixture(scope="module")
def settings(table: Path, tmp_path_factory: pytest.TempPathFactory, pool: ActorPool) -> DensitySettings:
    """Settings of a small set that is made once, undisturbed."""
    out = tmp_path_factory.mktemp("reference") / "shards"
    small = DensitySettings(source=table, out=out, voxels=16, entries_per_shard=8, actors=1)
    assert run(small).exit_status == COMPLETE_WITH_REJECTS
    return small


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a shard set but its lock and the saved config, which names the folder."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name not in {".lock", "config.yaml"}}


def test_what_is_made(settings: DensitySettings) -> None:
    assert sorted(contents(settings.out)) == [
        "manifest.json",
        "rejects.csv",
        "set.h5",
        *[f"shard-0000{i}.h5" for i in range(6)],
    ]
    shards = ShardSet.open(settings.out)
    with settings.source.open() as file:
        rows = list(csv.DictReader(file))
    good = [row for number, row in enumerate(rows) if number % 11 != 10]
    assert shards.ids == [row["material_id"] for row in good]
    np.testing.assert_array_equal(shards.target("energy"), [float(row["energy"]) for row in good])
    density, species = read_densities(shards, range(len(shards)))
    for i in (0, 17, 40):
        numbers, frac = shards.sites(i)
        exact = voxelize(np.diag(shards.cells[i]).copy(), frac, numbers, "periodic", 16)
        np.testing.assert_array_equal(species[i], exact.species)
        np.testing.assert_allclose(density[i], exact.density, rtol=2**-11, atol=1e-7)
    assert verify(settings.out) == []


def test_rejects_are_listed_and_counted(settings: DensitySettings) -> None:
    with (settings.out / "rejects.csv").open() as file:
        rejects = list(csv.DictReader(file))
    assert [row["id"] for row in rejects] == ["m-10", "m-21", "m-32", "m-43"]
    assert all(row["code"] and row["message"] and "perovskites.csv" in row["origin"] for row in rejects)
    manifest = ShardSet.open(settings.out).manifest
    assert (manifest.n_entries, manifest.n_samples, manifest.n_rejects) == (45, 41, 4)
    assert sum(manifest.rejects_by_code.values()) == 4


def test_bytes_do_not_depend_on_the_number_of_actors(settings: DensitySettings, tmp_path: Path) -> None:
    assert settings.actors == 1
    other = settings.model_copy(update={"out": tmp_path / "s", "actors": 3})
    run(other)
    assert contents(other.out) == contents(settings.out)


def test_a_second_run_rebuilds_only_what_is_not_whole(
    settings: DensitySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = settings.model_copy(update={"out": tmp_path / "s"})
    run(other)
    made = {p.name: p.stat().st_mtime_ns for p in other.out.glob("*.h5")}
    (other.out / "shard-00001.h5").unlink()
    damaged = bytearray((other.out / "shard-00002.h5").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (other.out / "shard-00002.h5").write_bytes(damaged)
    (other.out / "shard-00003.h5").write_bytes(b"")
    (other.out / "shard-00017.h5").write_bytes(b"of a longer source")
    (other.out / ".shard-00004.h5.part").write_bytes(b"cut short by a kill")
    (other.out / "manifest.json").unlink()
    monkeypatch.setattr(job, "forecast", lambda *_: pytest.fail("what will be refused was told before"))
    summary = run(other).summary
    assert "21 inputs kept" in summary
    assert contents(other.out) == contents(settings.out)
    for name in ("shard-00000.h5", "shard-00004.h5", "shard-00005.h5"):
        assert (other.out / name).stat().st_mtime_ns == made[name]


def test_other_settings_or_entries_are_never_mixed(
    settings: DensitySettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = settings.model_copy(update={"out": tmp_path / "s", "grid": "padded"})
    run(other)
    capsys.readouterr()
    kept = contents(other.out)
    periodic = other.model_copy(update={"grid": "periodic"})
    with pytest.raises(
        ConfigError, match=r"grid .'padded' → 'periodic'.: choose another out, or overwrite=true"
    ):
        run(periodic)
    assert contents(other.out) == kept
    run(periodic.model_copy(update={"overwrite": True}))
    assert "is made anew: grid ('padded' → 'periodic')" in capsys.readouterr().err
    assert contents(other.out) == contents(settings.out)
    assert not (other.out / ".before").exists()
    changed = tmp_path / "perovskites.csv"
    changed.write_text(settings.source.read_text().replace("m-9,", "renamed,"))
    renamed = settings.model_copy(update={"out": other.out, "source": changed})
    with pytest.raises(ConfigError, match=rf"source .* → '{changed}'"):
        run(renamed)
    config.save(
        renamed, other.out / "config.yaml"
    )  # what a source holds may change, and that alone is made anew
    outcome = run(renamed)
    assert "37 inputs kept" in outcome.summary
    assert ShardSet.open(other.out).ids[9] == "renamed"
    assert verify(other.out) == []


def test_every_crystal_that_does_not_fit_is_told_why(tmp_path: Path, pool: ActorPool) -> None:
    folder = tmp_path / "cifs"
    folder.mkdir()
    cube = perovskite("Sr", "Ti", "O", 3.9)
    (folder / "good.cif").write_text(cube)
    tetragonal = cube.replace("_cell_length_c 3.9", "_cell_length_c 4.4")
    (folder / "tetragonal.cif").write_text(tetragonal)
    (folder / "oblique.cif").write_text(tetragonal.replace("_gamma 90", "_gamma 80"))
    (folder / "empty.cif").write_text("")
    (folder / "two.cif").write_text(cube + tetragonal.replace("data_", "data_tall_"))
    base = DensitySettings(source=folder, out=tmp_path / "a", voxels=16, max_sites=5, actors=1)

    def rejected(settings: DensitySettings) -> dict[str, str]:
        run(settings)
        with (settings.out / "rejects.csv").open() as file:
            return {row["origin"].split("/")[-1]: row["code"] for row in csv.DictReader(file)}

    codes = rejected(base)
    assert set(codes) == {"tetragonal.cif", "oblique.cif", "empty.cif", "two.cif"}
    assert codes["tetragonal.cif"] == codes["oblique.cif"] == codes["two.cif"] == "not-cubic"
    assert len(ShardSet.open(base.out)) == 2
    other = base.model_copy(update={"out": tmp_path / "b", "shapes": "orthogonal", "cell": "as-given"})
    codes = rejected(other)
    assert codes.keys() == {"oblique.cif", "empty.cif"}
    assert codes["oblique.cif"] == "not-orthogonal"
    oblique = base.model_copy(update={"out": tmp_path / "o", "shapes": "any", "cell": "as-given"})
    assert rejected(oblique).keys() == {"empty.cif"}
    shards = ShardSet.open(oblique.out)
    (i,) = (i for i, origin in enumerate(shards.origins) if origin.endswith("oblique.cif"))
    numbers, frac = shards.sites(i)
    np.testing.assert_array_equal(
        read_densities(shards, [i])[1][0], voxelize_oblique(shards.cells[i], frac, numbers, 16).species
    )
    codes = rejected(base.model_copy(update={"out": tmp_path / "c", "max_sites": 4}))
    assert codes["good.cif"] == "too-many-sites"


def test_a_source_of_good_crystals_ends_complete(tmp_path: Path, pool: ActorPool) -> None:
    source = write_table(tmp_path / "good.csv", 5)
    settings = DensitySettings(source=source, out=tmp_path / "s", voxels=8, dtype="float32", actors=1)
    outcome = run(settings)
    assert outcome.exit_status == COMPLETE
    assert str(settings.out) in outcome.summary
    assert ShardSet.open(settings.out).array_dtype("density") == np.float32


def test_a_source_without_crystals_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("id,cif\n")
    with pytest.raises(SourceError):
        run(DensitySettings(source=tmp_path / "none.csv", out=tmp_path / "s"))


def test_a_crystal_that_kills_its_process_is_a_reject(
    settings: DensitySettings, tmp_path: Path, pool: ActorPool
) -> None:
    small = settings.model_copy(update={"out": tmp_path / "s"})
    small.out.mkdir()

    def make() -> Callable[[Part[Entry]], ShardResult]:
        worker = ShardWorker(small)

        def work(part: Part[Entry]) -> ShardResult:
            if any(entry.id == "m-12" and place not in part.fatal for place, entry in enumerate(part.items)):
                os.kill(os.getpid(), signal.SIGKILL)
            return worker(part)

        return work

    with ActorPool(lambda: 1).workers(make) as workers:
        tally = build(open_source(small.source), small, workers)
    manifest = finish(small, small.source.name, tally)
    assert manifest.rejects_by_code["worker-died"] == 1
    assert (manifest.n_samples, manifest.n_rejects) == (40, 5)
    assert "m-12" not in ShardSet.open(small.out).ids
    undisturbed, other = contents(settings.out), contents(small.out)
    changed = {name for name in other if name.endswith(".h5") and other[name] != undisturbed[name]}
    assert changed == {"shard-00001.h5", "set.h5"}


@pytest.mark.slow
def test_a_crystal_that_takes_too_long_is_a_reject(tmp_path: Path, pool: ActorPool) -> None:
    for folder in ("a", "b"):  # one name for both tables: samples say where they are from
        (tmp_path / folder).mkdir()
    plain = DensitySettings(
        source=write_table(tmp_path / "a/crystals.csv", 24),
        out=tmp_path / "plain",
        voxels=16,
        entries_per_shard=8,
        actors=1,
        limit_s=3,
    )
    run(plain)
    source = write_table(tmp_path / "b/crystals.csv", 24, endless_row=12)
    endless = plain.model_copy(update={"source": source, "out": tmp_path / "endless"})
    run(endless)
    (reject,) = csv.DictReader((endless.out / "rejects.csv").open())
    assert (reject["id"], reject["code"]) == ("m-12", "worker-died")
    assert "longer than limit_s=3 seconds" in reject["message"]
    assert set(ShardSet.open(plain.out).ids) - set(ShardSet.open(endless.out).ids) == {"m-12"}
    for name in ("shard-00000.h5", "shard-00002.h5"):
        assert (endless.out / name).read_bytes() == (plain.out / name).read_bytes()


@pytest.mark.slow
def test_the_time_in_which_numba_compiles_is_no_crystals(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    table = write_table(tmp_path / "crystals.csv", 3)
    nothing_compiled = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", COMPILING, table, tmp_path / "s"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=nothing_compiled,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    samples, limit_s, compiled_s = map(float, done.stdout.split())
    assert samples == 3
    assert compiled_s > limit_s


COMPILING = """
import sys
from pathlib import Path

from numba.core.event import install_timer

from hpcvox.actors.campaign import parts_of
from hpcvox.crystals.sources.source import open_source
from hpcvox.featurize.settings import DensitySettings
from hpcvox.featurize.worker import ShardWorker

table, out = map(Path, sys.argv[1:])
settings = DensitySettings(source=table, out=out, voxels=16, limit_s=1)
(part,) = parts_of(open_source(table), 256)
seconds = []
with install_timer("numba:compiler_lock", seconds.append):
    made = ShardWorker(settings)(part)
print(made.line.samples, settings.limit_s, sum(seconds))
"""
"""Prints how many samples it made, the limit, and how long Numba compiled."""


def test_the_battery_of_cifs_loses_nothing(shared_data: Path, tmp_path: Path, pool: ActorPool) -> None:
    source = shared_data / "cif_battery" / "cifs.tar.xz"
    with tarfile.open(source) as archive:
        members = {name for name in archive.getnames() if name.endswith(".cif")}
    settings = DensitySettings(source=source, out=tmp_path / "s", voxels=16, entries_per_shard=50, actors=1)
    assert run(settings).exit_status == COMPLETE_WITH_REJECTS
    shards = ShardSet.open(settings.out)
    with (settings.out / "rejects.csv").open() as file:
        rejects = list(csv.DictReader(file))
    seen = {origin.split("!")[-1] for origin in [*shards.origins, *(row["origin"] for row in rejects)]}
    assert members <= seen
    assert len(shards) + len(rejects) >= shards.manifest.n_entries >= len(members)
    assert all(row["code"] and row["message"] for row in rejects)


@pytest.mark.slow
def test_kill_9_and_again_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write_table(tmp_path / "perovskites.csv", 600, bad_every=97)
    code = (
        "import sys; from pathlib import Path; from hpcvox.featurize.job import run; "
        "from hpcvox.featurize.settings import DensitySettings as S; "
        "run(S(source=Path(sys.argv[1]), out=Path(sys.argv[2]), entries_per_shard=8, actors=2))"
    )
    command = [sys.executable, "-c", code, str(source)]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True, timeout=300)
    out = tmp_path / "killed"
    running = subprocess.Popen([*command, str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(list(out.glob("*.h5"))) < 5:
        assert running.poll() is None
        time.sleep(0.01)
    running.kill()
    running.wait()
    time.sleep(1.0)
    assert not (out / "manifest.json").exists()
    assert 5 <= len(list(out.glob("*.h5"))) < 75
    again = subprocess.run([*command, str(out)], check=True, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0
    assert contents(out) == contents(tmp_path / "whole")
