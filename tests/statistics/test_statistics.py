"""Statistics of a shard set: exact, the same by any number of ranks (real MPI), and what the trainings make of them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from hpcvox import config
from hpcvox.errors import ShardError
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.unet.task import UNetTask
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.networks.vae.task import VAETask
from hpcvox.process.outcome import INTERRUPTED
from hpcvox.shards.layout import CELL, ArraySpec, shard_name
from hpcvox.shards.manifest import Manifest, ShardLine
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.split import split
from hpcvox.shards.statistics.file import (
    FILE,
    Split,
    Statistics,
    TargetSpread,
    read_statistics,
    statistics_for,
)
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer
from hpcvox.statistics.job import run
from hpcvox.statistics.settings import StatisticsSettings
from hpcvox.training.folder import runs
from hpcvox.training.ranks.comm import Alone
from hpcvox.training.settings import TrainSettings
from tests.support.cards import training_on
from tests.support.paths import ROOT
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE, make_shards

ROOT_MAY = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
MPIRUN = ["mpirun", "--bind-to", "none", "--oversubscribe", "--mca", "mpi_yield_when_idle", "1", "-np"]


def command(shards: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "hpcvox", "statistics", f"shards={shards}", *more]


def on_ranks(ranks: int, shards: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    launcher = [*MPIRUN, str(ranks)] if ranks > 1 else []
    return subprocess.run(
        [*launcher, *command(shards)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **ROOT_MAY, **environment},
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of six shards with its statistics, made by this process alone."""
    folder = make_shards(tmp_path_factory.mktemp("data") / "shards", shards=6)
    outcome = run(StatisticsSettings(shards=folder))
    assert outcome.exit_status == 0
    assert str(folder / FILE) in outcome.summary
    return folder


@pytest.fixture
def shards(made: Path, tmp_path: Path) -> Path:
    """That set without the statistics."""
    return shutil.copytree(made, tmp_path / "shards", ignore=shutil.ignore_patterns(FILE, ".lock"))


@pytest.fixture(scope="module")
def made_long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set a hundred times as long: a pass over it takes many seconds."""
    return make_shards(tmp_path_factory.mktemp("data") / "long", shards=6, copies=100)


@pytest.fixture
def long_shards(made_long: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_long, tmp_path / "long")


def test_the_split_is_that_of_the_trainings() -> None:
    ours, theirs = StatisticsSettings(), TrainSettings()
    assert (ours.shards, ours.seed, ours.held_out_fraction) == (
        theirs.shards,
        theirs.seed,
        theirs.held_out_fraction,
    )


def test_the_numbers_are_those_of_numpy(made: Path) -> None:
    shards, found = ShardSet.open(made), statistics_of(made)
    train = np.flatnonzero(~split(shards.formulas, 0, 0.2))
    assert (found.samples, found.training_samples) == (48, len(train))
    assert 0 < len(train) < 48
    assert set(found.arrays) == {"density", "cell"}
    for name, spread in found.arrays.items():
        values = shards.read_array(name, train).astype(np.float64)
        assert (spread.count, spread.min, spread.max) == (values.size, values.min(), values.max())
        assert spread.mean == pytest.approx(values.mean(), rel=1e-13)
        assert spread.std == pytest.approx(values.std(), rel=1e-13)
    voxels = np.bincount(shards.read_array("species", train).ravel())
    assert found.species == {int(z): voxels[z] for z in np.flatnonzero(voxels)}
    energies = shards.target("energy")[train]
    energy = target_of(found, "energy")
    assert (energy.count, energy.min, energy.max) == (len(train), energies.min(), energies.max())
    assert energy.mean == pytest.approx(energies.mean(), rel=1e-14)
    assert energy.std == pytest.approx(energies.std(), rel=1e-13)
    assert energy.deciles == np.quantile(energies, np.linspace(0, 1, 11)).tolist()
    lengths = np.linalg.norm(shards.cells, axis=-1)
    assert (found.cell_lengths.min, found.cell_lengths.max) == (lengths.min(), lengths.max())
    assert (found.sites.min, found.sites.mean, found.sites.max) == (5, 5.0, 5)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 3])
def test_any_number_of_ranks_writes_the_same_bytes(made: Path, shards: Path, ranks: int) -> None:
    done = on_ranks(ranks, shards)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert f"statistics by {ranks} ranks: 38 training samples of 48" in done.stdout
    assert (shards / FILE).read_bytes() == (made / FILE).read_bytes()


def statistics_of(folder: Path) -> Statistics:
    """Those that were made of the set in ``folder``."""
    found = read_statistics(folder)
    assert found is not None
    return found


def target_of(found: Statistics, name: str) -> TargetSpread:
    """What ``found`` says of a target that training samples have."""
    spread = found.targets[name]
    assert spread is not None
    return spread


def other_set(folder: Path) -> Path:
    """Float arrays without species; targets that come and go; shards without training samples, or any samples."""
    folder.mkdir()
    random = np.random.default_rng(0)
    array = ArraySpec("fingerprint", (4, 5), "float64", "1", ("i", "j"), "numbers far from zero")
    lines: list[ShardLine] = []
    for k, formulas in enumerate((["A", "B"], ["C", "D", "E"], ["F"] * 3, [])):
        buffer = ShardBuffer((array, CELL), 3)
        entry = sum(line.entries for line in lines)
        for i, formula in enumerate(formulas):
            slot = buffer.slot()
            slot["fingerprint"][:] = 1e8 + random.standard_normal((4, 5))
            slot["cell"][:] = np.diag([3.0 + k, 4.0, 5.0 + i])
            sites = np.arange(1, 2 + i, dtype=np.uint8)
            targets = {"late": [0.1, -0.3, np.inf, 1e300][k] * (i + 1), "never": np.nan} if k else {}
            buffer.commit(entry + i, f"{k}-{i}", formula, "made", sites, np.zeros((len(sites), 3)), targets)
        provenance = Provenance("other", "periodic", {}, "0", "made", entry, len(formulas))
        lines.append(buffer.write(folder / shard_name(k), provenance))
    n = sum(line.samples for line in lines)
    Manifest("other", "periodic", {}, "0", "made", n, n, 0, {}, tuple(lines)).save(folder)
    return folder


def test_sets_of_other_kinds(tmp_path: Path) -> None:
    folder = other_set(tmp_path / "set")
    shards = ShardSet.open(folder)
    seed = next(s for s in range(100) if split(shards.formulas, s, 0.5).tolist() == [0, 1, 0, 0, 0, 1, 1, 1])
    run(StatisticsSettings(shards=folder, seed=seed, held_out_fraction=0.5))
    found = statistics_of(folder)
    values = shards.read_array("fingerprint", [0, 2, 3, 4])
    assert found.arrays["fingerprint"].mean == pytest.approx(values.mean(), rel=1e-15)
    # a sum of squares would have lost all of it
    assert found.arrays["fingerprint"].std == pytest.approx(np.std(values - 1e8), rel=1e-7)
    assert found.species is None
    late = -0.3 * np.array([1.0, 2.0, 3.0])
    assert target_of(found, "late").mean == pytest.approx(late.mean(), rel=1e-15)
    assert target_of(found, "late").count == 3
    assert found.targets["never"] is None
    assert (found.cell_lengths.min, found.cell_lengths.max) == (3.0, 7.0)
    assert (found.sites.min, found.sites.mean, found.sites.max) == (1, 15 / 8, 3)


def test_all_held_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"all of the 8 samples are held out.*held_out_fraction"):
        run(StatisticsSettings(shards=other_set(tmp_path / "set"), held_out_fraction=0.9999))


def test_values_near_the_greatest_float() -> None:
    from hpcvox.shards.statistics.gathering import _target_spread

    found = _target_spread([np.array([1e307]), np.array([-1e307, 1e307, -1e307])])
    assert found is not None
    assert found.mean == 0.0
    assert found.std == pytest.approx(1e307)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # amid the densities
    path.write_bytes(data)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_a_damaged_shard_is_named_with_the_remedy(shards: Path, damage: Callable[[Path], None]) -> None:
    damage(shards / shard_name(1))
    with pytest.raises(ShardError, match=rf"{shard_name(1)}.*hpcvox featurize"):
        run(StatisticsSettings(shards=shards))
    assert not list(shards.glob("*statistics*"))


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_a_shard_damaged_on_one_rank_ends_all_at_once(
    long_shards: Path, damage: Callable[[Path], None]
) -> None:
    damage(long_shards / shard_name(1))  # the second rank reads it, and the first would go on for long
    start = time.monotonic()
    done = on_ranks(2, long_shards)
    assert done.returncode == 2, done.stderr
    assert time.monotonic() - start < 60
    (said,) = [line for line in done.stderr.splitlines() if "error:" in line]
    assert shard_name(1) in said
    assert not list(long_shards.glob("*statistics*"))


@pytest.mark.slow
def test_no_set_is_said_once(tmp_path: Path) -> None:
    done = on_ranks(2, tmp_path / "absent")
    assert done.returncode == 2
    assert done.stderr.count("absent does not exist") == 1


def test_again_it_does_nothing_and_after_a_change_it_is_made_anew(
    made: Path, shards: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(made / FILE, shards)
    before = (shards / FILE).stat()
    assert run(StatisticsSettings(shards=shards)).summary.startswith(
        "statistics are current, nothing to do: 38 training"
    )
    assert (shards / FILE).stat().st_mtime_ns == before.st_mtime_ns
    assert statistics_for(shards, Split(1, 0.2)) is None
    assert capsys.readouterr().err == ""
    shutil.copytree(make_shards(shards.parent / "other", shards=4), shards, dirs_exist_ok=True)
    with pytest.raises(ShardError, match=r"of other shards than the set has now: run `hpcvox statistics`"):
        read_statistics(shards)
    assert statistics_for(shards, Split(0, 0.2)) is None
    assert "warning: " in capsys.readouterr().err
    run(StatisticsSettings(shards=shards))
    now, then = statistics_of(shards), statistics_of(made)
    assert now.shards_digest != then.shards_digest
    assert now.arrays == then.arrays, "the same samples, in other shards"
    run(StatisticsSettings(shards=shards, seed=1))
    assert statistics_of(shards).split == (1, 0.2)


@pytest.mark.parametrize("damage", [b"", b'{"format": "hpcvox-statistics"}', b"\xff\xfe", b"[]"])
def test_a_damaged_file_is_said_and_made_anew(
    made: Path, shards: Path, damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (shards / FILE).write_bytes(damage)
    with pytest.raises(ShardError, match=r"statistics.json is damaged.*again"):
        read_statistics(shards)
    run(StatisticsSettings(shards=shards))
    assert "is damaged" in capsys.readouterr().err
    assert (shards / FILE).read_bytes() == (made / FILE).read_bytes()


def readers(folder: Path) -> list[int]:
    """Processes that have a shard of ``folder`` open."""
    found = []
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(handle.readlink()).startswith(f"{folder}/shard-"):
                found.append(int(handle.parts[2]))
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ranks", "number"),
    [(1, signal.SIGKILL), (1, signal.SIGTERM), (2, signal.SIGUSR1), (2, signal.SIGTERM)],
)
def test_killed_it_leaves_nothing_behind(long_shards: Path, ranks: int, number: signal.Signals) -> None:
    before = sorted(path.name for path in long_shards.iterdir())
    launcher = [*MPIRUN, str(ranks)] if ranks > 1 else []
    process = subprocess.Popen(
        [*launcher, *command(long_shards)], stderr=subprocess.PIPE, text=True, env={**os.environ, **ROOT_MAY}
    )
    end = time.monotonic() + 60
    while not readers(long_shards):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    if number == signal.SIGKILL:
        assert process.returncode == -number
    elif (ranks, number) != (
        2,
        signal.SIGTERM,
    ):  # at TERM mpirun itself ends the ranks, with a status of its own
        assert process.returncode == INTERRUPTED, said
        assert said.count("run the same command again") == 1
    assert sorted(path.name for path in long_shards.iterdir()) == before
    assert not readers(long_shards)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "stall_s"), [(signal.SIGKILL, 600), (signal.SIGSTOP, 4)])
def test_a_rank_that_dies_or_hangs_ends_the_others(
    long_shards: Path, number: signal.Signals, stall_s: int
) -> None:
    process = subprocess.Popen(
        [*MPIRUN, "2", *command(long_shards, f"stall_s={stall_s}")],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **ROOT_MAY},
    )
    end = time.monotonic() + 60
    while not (pids := readers(long_shards)):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
    os.kill(pids[0], number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    if number == signal.SIGSTOP:
        assert "has waited for another for stall_s=4 s" in said
    assert not readers(long_shards)
    assert not (long_shards / FILE).exists()


@pytest.mark.slow
def test_one_process_needs_no_mpi_and_ranks_without_it_are_refused(shards: Path, tmp_path: Path) -> None:
    without = {"MPI4PY_LIBMPI": "/nonexistent"}
    refused = on_ranks(1, shards, OMPI_COMM_WORLD_SIZE="2", **without)
    assert refused.returncode == 2
    assert "2 ranks were started, and mpi4py finds no MPI to join them" in refused.stderr
    (tmp_path / "mpi4py.py").write_text("raise ModuleNotFoundError('as where nobody has installed it')")
    here = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    not_installed = on_ranks(1, shards, OMPI_COMM_WORLD_SIZE="2", PYTHONPATH=here)
    assert not_installed.returncode == 2
    assert "pip install 'hpcvox[mpi]'" in not_installed.stderr
    other_launcher = on_ranks(1, shards, PMI_SIZE="2")
    assert other_launcher.returncode == 2
    assert "MPI joins 1 of them" in other_launcher.stderr
    assert not (shards / FILE).exists()
    assert on_ranks(1, shards, **without).returncode == 0


def test_a_set_that_may_not_be_written_is_said(shards: Path) -> None:
    (shards / f".{FILE}.part").mkdir()
    with pytest.raises(ShardError, match=r"cannot write .*statistics.json"):
        run(StatisticsSettings(shards=shards))


def unet_weights(shards: Path) -> torch.Tensor:
    settings = config.load(TrainUNetSettings, None, [SMALL_UNET.replace("patch", "classes: 95, patch")])
    opened = ShardSet.open(shards)
    train = np.flatnonzero(~split(opened.formulas, 0, 0.2))
    weights = UNetTask(settings, opened, train, Alone()).weights
    assert weights is not None
    return weights


def test_class_weights_are_the_same_with_and_without_them(made: Path, shards: Path) -> None:
    counted = unet_weights(shards)
    assert torch.equal(unet_weights(made), counted)
    shutil.copy(made / FILE, shards)
    tree = json.loads((shards / FILE).read_text())
    tree["species"]["8"] *= 2
    (shards / FILE).write_text(json.dumps(tree))
    assert not torch.equal(unet_weights(shards), counted), "they are read where they are there"


def edges(shards: Path, unet: Path, bins: int = 10) -> list[float]:
    more = [f"unet={unet}", SMALL_VAE, "condition=energy", f"bins={bins}"]
    settings = config.load(TrainVAESettings, None, more)
    opened = ShardSet.open(shards)
    train = np.flatnonzero(~split(opened.formulas, 0, 0.2))
    edges: list[float] = VAETask(settings, opened, train, Alone()).edges.tolist()
    return edges


def test_bins_are_the_same_with_and_without_them(made: Path, shards: Path, tmp_path: Path) -> None:
    model = config.load(TrainUNetSettings, None, [SMALL_UNET]).model
    (tmp_path / "unet").mkdir()
    runs.export(
        tmp_path / "unet",
        UNet(model),
        UNetCard(run=training_on(shards), model=model, grid="periodic", voxels=16),
    )
    for bins in (10, 4):
        assert edges(made, tmp_path / "unet", bins) == edges(shards, tmp_path / "unet", bins)
    shutil.copy(made / FILE, shards)
    tree = json.loads((shards / FILE).read_text())
    tree["targets"]["energy"]["deciles"][5] += 1e-6
    (shards / FILE).write_text(json.dumps(tree))
    assert edges(shards, tmp_path / "unet") == tree["targets"]["energy"]["deciles"]
    assert edges(shards, tmp_path / "unet", 4) == edges(made, tmp_path / "unet", 4)


def test_libraries_find_pythons_statistics_beside_a_script_called_so() -> None:
    probe = (
        "import sys; sys.path.insert(0, {0!r}); sys.argv = [{0!r} + '/report.py', '--help'];"
        "from hpcvox.cli import job; assert 'statistics' not in sys.modules; job('report');"
        "import statistics; assert statistics.median([1, 2, 3]) == 2"
    ).format(str(ROOT / "jobs"))
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
