"""What set-up says on machines that lack something, under a PATH of exactly the tools that it has."""

import ensurepip
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import ROOT

# fmt: off
PLAIN_TOOLS = [
    "bash", "sh", "cat", "cut", "sha256sum", "dirname", "basename", "mktemp", "mkdir", "rm", "mv", "sed",
    "grep", "tail", "head", "tr", "sort", "env", "id", "nproc", "chmod", "uname", "printf",
]
# fmt: on
COMPILERS = ["g++", "make", "cmake"]
MPI = ["mpirun", "mpicxx"]

Machine = Callable[..., subprocess.CompletedProcess[str]]
"""Runs setup.sh where there are the tools of a list alone."""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A function that runs setup.sh where only the named tools are on PATH, and no apt-get."""

    def run(
        tools: list[str],
        *arguments: str,
        python: tuple[str, str] | None = ("python3", sys.executable),
        script: str = str(ROOT / "setup.sh"),
        also: str = "",
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "bin"
        folder.mkdir()
        for tool in [*PLAIN_TOOLS, *tools]:
            found = shutil.which(tool)
            assert found, f"this test needs {tool}"
            (folder / tool).symlink_to(found)
        if python is not None:
            name, target = python
            (folder / name).write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
            (folder / name).chmod(0o755)
        return subprocess.run(
            ["bash", script, *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            env={
                "PATH": f"{folder}:{also}" if also else str(folder),
                "HOME": str(tmp_path),
                "HPCVOX_VENV": str(tmp_path / "venv"),
                **environment,
            },
            check=False,
        )

    return run


def test_check_of_a_complete_machine_changes_nothing(machine: Machine, tmp_path: Path) -> None:
    result = machine([*COMPILERS, *MPI], "--check")
    assert result.returncode == 0, result.stderr
    assert "MPI: openmpi-" in result.stdout
    assert "nothing was changed" in result.stdout
    assert not (tmp_path / "venv").exists()


def test_no_compiler_stops_with_the_fix(machine: Machine) -> None:
    result = machine(["make", "cmake"])
    assert result.returncode != 0
    assert "no C++ compiler" in result.stderr
    assert "apt-get install g++" in result.stderr
    assert "HPCVOX_HOROVOD=no" in result.stderr


def test_no_compiler_is_no_matter_without_horovod(machine: Machine) -> None:
    result = machine([], "--check", HPCVOX_HOROVOD="no")
    assert result.returncode == 0, result.stderr


def test_gpaw_needs_a_compiler_whatever_is_left_out(machine: Machine) -> None:
    result = machine([], "--check", HPCVOX_HOROVOD="no", HPCVOX_EXTRAS="chgnet gpaw")
    assert result.returncode != 0
    assert "GPAW has to be built" in result.stderr
    assert "leave gpaw out of HPCVOX_EXTRAS" in result.stderr


def test_a_compiler_alone_is_enough_for_gpaw(machine: Machine) -> None:
    result = machine(["g++"], "--check", HPCVOX_HOROVOD="no", HPCVOX_EXTRAS="gpaw")
    assert result.returncode == 0, result.stderr
    assert "gpaw: install" in result.stdout


def test_no_mpi_goes_on_with_gloo(machine: Machine) -> None:
    result = machine(COMPILERS, "--check")
    assert result.returncode == 0, result.stderr
    assert "Gloo" in result.stdout
    assert "openmpi-bin" in result.stdout, "says what to install"


def test_without_apt_or_root_it_says_what_to_install(machine: Machine) -> None:
    """PATH has neither cmake nor MPI nor apt-get: nothing is installed, and it says what to install."""
    result = machine(["g++", "make"], "--check")
    assert result.returncode == 0, result.stderr
    assert "sudo apt-get install openmpi-bin libopenmpi-dev cmake" in result.stdout
    assert "root" in result.stdout


def test_no_python_stops_with_the_fix(machine: Machine) -> None:
    result = machine([*COMPILERS, *MPI], python=None)
    assert result.returncode != 0
    assert "Python 3.11" in result.stderr
    assert "apt-get install python3" in result.stderr


@pytest.mark.slow
def test_no_network_stops_with_the_fix(machine: Machine, tmp_path: Path) -> None:
    """An index on a loopback port where nothing listens: pip's own failure, recognised."""
    dead = "http://127.0.0.1:9"
    result = machine(
        [*COMPILERS, *MPI],
        PIP_INDEX_URL=f"{dead}/simple",
        PIP_RETRIES="0",
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_CACHE_DIR="1",
    )
    assert result.returncode != 0
    assert "could not reach its package index" in result.stderr
    assert "mirror or proxy" in result.stderr
    assert (tmp_path / "venv/bin/python").exists(), "what was done stays done"


def make_wheel(folder: Path, name: str, version: str) -> None:
    """A wheel of a package with nothing in it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)


@pytest.mark.slow
def test_a_bundle_is_filled_by_one_command_and_installed_without_an_index(
    machine: Machine, tmp_path: Path
) -> None:
    """With packages of nothing in the place of the real ones, and pip's own copy of setuptools."""
    home, index = tmp_path / "checkout", tmp_path / "index"
    (home / "requirements").mkdir(parents=True)
    (home / "hpcvox").mkdir()
    index.mkdir()
    shutil.copy(ROOT / "setup.sh", home)
    make_wheel(index, "torch", "2.0")
    make_wheel(index, "beside", "1.5")
    for wheel in Path(ensurepip.__file__).parent.glob("_bundled/setuptools-*.whl"):
        shutil.copy(wheel, index)
    (home / "requirements/build.lock").write_text("setuptools\n")
    (home / "requirements/core.lock").write_text("torch==2.0\nbeside==1.5\n")
    (home / "hpcvox/__init__.py").touch()
    make_wheel(
        tmp_path, "hpcvox", "1"
    )  # what the set-up of the checkout itself makes, without a tool to build it
    (home / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "hpcvox"\nversion = "1"\n'
    )
    (home / "backend.py").write_text(
        "import shutil\n"
        "def build_editable(folder, *_):\n"
        f"    return shutil.copy({str(tmp_path / 'hpcvox-1-py3-none-any.whl')!r}, folder).rpartition('/')[2]\n"
    )
    alone = {
        "HPCVOX_HOROVOD": "no",
        "HPCVOX_EXTRAS": "",
        "HPCVOX_APT": "no",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
    }
    script = str(home / "setup.sh")
    connected = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    filled = machine(
        ["du", "find"], "--bundle", str(tmp_path / "bundle"), script=script, **alone, **connected
    )
    assert filled.returncode == 0, filled.stdout + filled.stderr
    names = sorted(path.name.split("-")[0] for path in (tmp_path / "bundle").iterdir())
    assert names == ["beside", "setuptools", "torch"]
    shutil.rmtree(index)
    shutil.rmtree(tmp_path / "bin")
    # the index of nobody, should it be asked
    given = {"HPCVOX_BUNDLE": str(tmp_path / "bundle"), "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    done = machine([], script=script, **alone, **given)
    assert done.returncode == 0, done.stdout + done.stderr
    probe = [str(tmp_path / "venv/bin/python"), "-c", "import torch, beside, hpcvox"]
    subprocess.run(probe, check=True, timeout=60, cwd=tmp_path)

    (tmp_path / "bundle/beside-1.5-py3-none-any.whl").unlink()
    shutil.rmtree(tmp_path / "bin")
    shutil.rmtree(tmp_path / "venv/.hpcvox")
    subprocess.run([str(tmp_path / "venv/bin/python"), "-m", "pip", "uninstall", "-qy", "beside"], check=True)
    lacking = machine([], script=script, **alone, **given)
    assert lacking.returncode != 0
    assert "bundle has not all that requirements/core.lock takes" in lacking.stderr
    assert "beside==1.5" in lacking.stderr


def test_cray_s_mpi_is_found_by_its_compiler_and_srun(machine: Machine, tmp_path: Path) -> None:
    extra = tmp_path / "cray"
    extra.mkdir()
    for name in ("CC", "srun"):
        (extra / name).write_text("#!/bin/sh\n")
        (extra / name).chmod(0o755)
    result = machine(["make"], "--check", CRAY_MPICH_VERSION="8.1.28", also=str(extra))
    assert f"C++ compiler: {extra}/CC" in result.stdout
    assert "MPI: cray-mpich-8.1.28" in result.stdout
    assert "HPCVOX_SRUN_MPI=cray_shasta" in result.stdout


def test_an_unknown_argument_is_refused_with_the_valid_ones(machine: Machine) -> None:
    result = machine(COMPILERS, "--tset")
    assert result.returncode == 2
    assert "--test" in result.stderr


def test_an_unknown_extra_is_refused(machine: Machine) -> None:
    result = machine([*COMPILERS, *MPI], "--check", HPCVOX_EXTRAS="chgnett")
    assert result.returncode != 0
    assert "valid: chgnet, gpaw, metrics, mp" in result.stderr


def test_the_locks_are_exact_and_name_no_place() -> None:
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert {lock.stem for lock in locks} == {"build", "core", "chgnet", "gpaw", "metrics", "mp", "test"}
    for lock in locks:
        for line in lock.read_text().splitlines():
            if not line.startswith("#"):
                name, equals, version = line.partition("==")
                assert name
                assert equals, f"{lock.name}: {line} has no exact version"
                assert "+" not in version, f"{lock.name}: {line}"
                assert "/" not in line, f"{lock.name}: {line}"
