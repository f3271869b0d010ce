"""One writer a folder, and file systems that have no locks."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox.errors import BusyError
from hpcvox.files import durable
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.writing.closing import close_set
from tests.support.paths import ROOT
from tests.support.random_shards import write_shard
from tests.support.voxel_shards import make_shards


def without_locks(script: str, folder: Path, code: int = errno.ENOLCK) -> subprocess.CompletedProcess[str]:
    """Run Python's ``script`` in ``folder`` where the kernel refuses every lock with ``code``."""
    begin = f"from tests.support.no_locks import refuse_locks\nif not refuse_locks({code}): raise SystemExit(77)\n"
    done = subprocess.run(
        [sys.executable, "-c", begin + script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("this kernel does not let a process refuse itself system calls")
    return done


def test_the_kernel_does_refuse(tmp_path: Path) -> None:
    """Else the tests below would show nothing."""
    for call in ("lockf", "flock"):
        done = without_locks(f"import fcntl; fcntl.{call}(open('x', 'w'), fcntl.LOCK_EX)", tmp_path)
        assert "No locks available" in done.stderr


def test_a_second_writer_is_refused_and_named(tmp_path: Path) -> None:
    with durable.sole_writer(tmp_path):
        second = "import sys; from pathlib import Path; from hpcvox.files import durable\n"
        second += "with durable.sole_writer(Path(sys.argv[1])): pass"
        done = subprocess.run(
            [sys.executable, "-c", second, str(tmp_path)], capture_output=True, text=True, check=False
        )
    assert f"BusyError: {tmp_path} is being written by another run (host {os.uname().nodename}" in done.stderr
    assert f"pid {os.getpid()}" in done.stderr
    with durable.sole_writer(tmp_path):
        pass


@pytest.mark.parametrize("code", durable.NO_LOCKS)
def test_without_locks_work_goes_on_with_a_warning(tmp_path: Path, code: int) -> None:
    script = "from pathlib import Path; from hpcvox.files import durable\n"
    script += "with durable.sole_writer(Path('out')): durable.write_text(Path('out/x'), 'done')"
    done = without_locks(script, tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "x").read_text() == "done"
    assert done.stderr.count("warning: the file system of out/.lock has no locks") == 1
    assert os.strerror(code) in done.stderr


@pytest.mark.slow
def test_shards_are_written_read_and_merged_without_locks(tmp_path: Path) -> None:
    script = """
from pathlib import Path
from tests.support.voxel_shards import make_shards
from hpcvox.cli import main
from hpcvox.shards.reading.shard_set import ShardSet
make_shards(Path("one"), 8)
assert ShardSet.open(Path("one")).read_array("density", [3, 40]).shape == (2, 8, 8, 8)
for verb in (["merge", "all", "one"], ["info", "all"], ["verify", "all"], ["export", "all", "all.csv"]):
    assert main(["shards", *verb]) == 0, verb
"""
    done = without_locks(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "all" / "set.h5").exists()
    assert (tmp_path / "all.csv").read_text().count("\n_cell_length_a") == 48


def test_the_page_of_the_format_opens_shards_without_locks(tmp_path: Path) -> None:
    """The snippets of docs/shards.md, as they are written, with h5py and NumPy alone."""
    folder = make_shards(tmp_path / "runs" / "shards", 8)
    manifest = Manifest.load(folder)
    told = {name: getattr(manifest, name) for name in ("descriptor", "grid", "settings", "code_version")}
    close_set(folder, manifest.shards, source=manifest.source, n_entries=manifest.n_entries, **told)
    page = (ROOT / "docs" / "shards.md").read_text()
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(snippets) == 2
    checks = """
import sys
assert not [name for name in sys.modules if name.startswith("hpcvox")]
assert density.shape == (8, 8, 8) and density.max() > 0 and name == "BaTiF3", (density.shape, name)
assert (sample == density.reshape(-1)).all()
"""
    done = without_locks("\n".join([*snippets, checks]), tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_database_of_ase_says_that_it_needs_locks(tmp_path: Path) -> None:
    import ase.db
    from ase.build import bulk

    with ase.db.connect(tmp_path / "a.db") as base:
        base.write(bulk("Cu"))
    done = without_locks(
        "from hpcvox.crystals.sources.source import open_source\nopen_source('a.db')", tmp_path
    )
    assert "SourceError: a.db: cannot read it as a database of ASE: database is locked" in done.stderr
    assert "its file system has no locks; copy it" in done.stderr


def test_no_link_is_followed_by_what_is_made(tmp_path: Path) -> None:
    """Another user of a folder may put links where files will be made."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / ".table.csv.part").symlink_to(precious)
    (folder / "table.csv").symlink_to(precious)
    durable.write_text(folder / "table.csv", "new")
    assert (folder / "table.csv").read_text() == "new"
    assert not (folder / "table.csv").is_symlink()
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("make", ["link", "fifo", "folder"])
def test_a_lock_that_is_no_file_is_refused(tmp_path: Path, make: str) -> None:
    precious, lock = tmp_path / "precious", tmp_path / "runs" / ".lock"
    precious.write_text("mine")
    lock.parent.mkdir()
    if make == "link":
        lock.symlink_to(precious)
    elif make == "fifo":
        os.mkfifo(lock)
    else:
        lock.mkdir()
    with pytest.raises(BusyError, match="no plain file"), durable.sole_writer(lock.parent):
        pass
    assert precious.read_text() == "mine"


def test_a_shard_is_not_written_through_a_link(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / ".shard-00000.h5.part").symlink_to(precious)
    line = write_shard(tmp_path, 0, 2)
    assert not (tmp_path / line.file).is_symlink()
    assert precious.read_text() == "mine"
