"""Where numba caches compiled code: for a user who may write neither the code nor a home, in a folder of theirs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox.compiled import NAME, VARIABLE
from tests.support.paths import ROOT

NOBODY = 65534
UID = NOBODY if os.geteuid() == 0 else os.geteuid()
OWN = NAME.replace(str(os.geteuid()), str(UID))

COMPILES = "import hpcvox.shards.half, os; print(os.environ.get('NUMBA_CACHE_DIR'))"


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hpcvox where its user may write nothing."""
    place = tmp_path_factory.mktemp("code")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "hpcvox", place / "hpcvox", ignore=ignored)
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(0o555)
    return place


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """A folder for all, as /tmp is."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def run(code: Path, temporary: Path, script: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a script as a user without a home, who may read all files and write none but the temporary ones."""
    rights = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    user = ("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", *rights)
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("setpriv is needed to be another user")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "TMPDIR": str(temporary)}
    command = [*(user if os.geteuid() == 0 else ()), sys.executable, "-c", script]
    return subprocess.run(
        command,
        env={**environment, "PYTHONPATH": str(code), **more},
        cwd=code,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_what_is_compiled_is_kept_in_a_private_folder_and_this_is_said(code: Path, temporary: Path) -> None:
    done = run(code, temporary, COMPILES)
    folder = temporary / OWN
    assert (done.returncode, done.stdout.strip()) == (0, str(folder)), done.stderr
    assert done.stderr == (
        f"numba caches compiled code in {folder}: neither {code / 'hpcvox'} nor a home can be written\n"
    )
    status = folder.stat()
    assert (status.st_mode & 0o777, status.st_uid) == (0o700, UID)
    assert list(folder.rglob("*.nbc"))
    again = run(code, temporary, COMPILES, **{VARIABLE: str(folder)})  # a process that this one starts
    assert (again.stdout.strip(), again.stderr) == (str(folder), "")


@pytest.mark.parametrize("squatter", ["another's", "open to all", "a link"])
def test_a_folder_that_others_may_write_is_not_used(code: Path, temporary: Path, squatter: str) -> None:
    trap = temporary / OWN
    if squatter == "a link":
        (temporary / "elsewhere").mkdir(mode=0o777)
        trap.symlink_to("elsewhere")
    else:
        trap.mkdir()
        trap.chmod(0o777)
    if squatter == "open to all":
        os.chown(trap, UID, -1)
    for given in ({}, {VARIABLE: str(trap)}):
        done = run(code, temporary, "import hpcvox, os; print(os.environ['NUMBA_CACHE_DIR'])", **given)
        used = Path(done.stdout.strip())
        assert used.parent == temporary, done.stderr
        assert used.name.startswith(f"{OWN}-")
        assert not used.exists()  # of that process alone
        assert not list(trap.iterdir())


def test_a_folder_that_the_user_names_is_taken(code: Path, temporary: Path) -> None:
    own = temporary / "own"
    own.mkdir()
    own.chmod(0o777)
    done = run(code, temporary, COMPILES, **{VARIABLE: str(own)})
    assert (done.stdout.strip(), done.stderr) == (str(own), "")
    assert list(own.rglob("*.nbc"))


def test_where_nothing_can_be_written_one_line_says_so(code: Path, temporary: Path) -> None:
    script = (
        "import hpcvox.compiled as compiled, os\n"
        "del os.environ['NUMBA_CACHE_DIR']\n"
        "compiled._temporary = lambda: ['/nowhere']\n"
        "compiled.settle()\n"
        "from hpcvox.cli import main\n"
        "raise SystemExit(main(['shards', 'info', 'x']))"
    )
    done = run(code, temporary, script)
    assert done.returncode == 2
    assert done.stderr.splitlines()[1].startswith(
        "hpcvox shards: error: numba has no folder for compiled code"
    )
    assert "Traceback" not in done.stderr


def test_with_code_that_can_be_written_nothing_changes(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere"}
    script = "import hpcvox, os; print(os.environ.get('NUMBA_CACHE_DIR'))"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("None\n", "")
