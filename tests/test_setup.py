"""What set-up says on machines that lack something, under a PATH of exactly the tools that it has."""

import ensurepip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

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


def make_wheel(folder: Path, name: str, version: str, text: str = "") -> None:
    """A wheel of a package with nothing in it, or one line."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)


def locked(wheel: Path) -> str:
    """The line of a lock for a wheel."""
    name, version, _ = wheel.name.split("-", 2)
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


class Checkout(NamedTuple):
    """A checkout whose packages are of nothing, and a folder that has them, with pip's own copy of setuptools."""

    script: str
    lock: Path
    wheels: Path

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "HPCVOX_HOROVOD": "no",
            "HPCVOX_EXTRAS": "",
            "HPCVOX_APT": "no",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_CACHE_DIR": "1",
            **(more or {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}),
        }


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    home, index = tmp_path / "checkout", tmp_path / "index"
    (home / "requirements").mkdir(parents=True)
    (home / "hpcvox").mkdir()
    index.mkdir()
    shutil.copy(ROOT / "setup.sh", home)
    make_wheel(index, "torch", "2.0")
    make_wheel(index, "beside", "1.5")
    for wheel in Path(ensurepip.__file__).parent.glob("_bundled/setuptools-*.whl"):
        shutil.copy(wheel, index)
    (builder,) = index.glob("setuptools-*")
    (home / "requirements/build.lock").write_text(locked(builder))
    core = home / "requirements/core.lock"
    core.write_text("# What is run.\n" + locked(index / "beside-1.5-py3-none-any.whl"))
    (home / "requirements/horovod.lock").write_text("horovod==0.1 --hash=sha256:00\n")
    (home / "hpcvox/__init__.py").touch()
    # what the set-up of the checkout itself makes, without a tool to build it
    make_wheel(tmp_path, "hpcvox", "1")
    (home / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "hpcvox"\nversion = "1"\n'
    )
    (home / "requirements/torch.txt").write_text("# Of each machine.\ntorch==2.0\n")
    (home / "backend.py").write_text(
        "import shutil\n"
        "def build_editable(folder, *_):\n"
        f"    return shutil.copy({str(tmp_path / 'hpcvox-1-py3-none-any.whl')!r}, folder).rpartition('/')[2]\n"
    )
    return Checkout(str(home / "setup.sh"), core, index)


@pytest.mark.slow
def test_a_bundle_is_filled_by_one_command_and_installed_without_an_index(
    machine: Machine, checkout: Checkout, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    filled = machine(
        ["du", "find"], "--bundle", str(bundle), script=checkout.script, **checkout.environment()
    )
    assert filled.returncode == 0, filled.stdout + filled.stderr
    names = sorted(path.name.split("-")[0] for path in bundle.iterdir())
    assert names == ["beside", "setuptools", "torch"]
    shutil.rmtree(checkout.wheels)
    shutil.rmtree(tmp_path / "bin")
    # the index of nobody, should it be asked
    alone = checkout.environment(HPCVOX_BUNDLE=str(bundle), PIP_INDEX_URL="http://127.0.0.1:9/simple")
    done = machine([], script=checkout.script, **alone)
    assert done.returncode == 0, done.stdout + done.stderr
    probe = [str(tmp_path / "venv/bin/python"), "-c", "import torch, beside, hpcvox"]
    subprocess.run(probe, check=True, timeout=60, cwd=tmp_path)

    def afresh() -> subprocess.CompletedProcess[str]:
        shutil.rmtree(tmp_path / "bin")
        shutil.rmtree(tmp_path / "venv/.hpcvox", ignore_errors=True)
        pip = [str(tmp_path / "venv/bin/python"), "-m", "pip"]
        subprocess.run([*pip, "uninstall", "-qy", "beside"], check=True)
        return machine([], script=checkout.script, **alone)

    make_wheel(bundle, "beside", "1.5", "changed = True\n")
    changed = afresh()
    assert changed.returncode != 0
    assert "the file of beside==1.5 that pip was given is none of those" in changed.stderr
    assert f"{bundle}: it may be damaged, fill it again" in changed.stderr

    (bundle / "beside-1.5-py3-none-any.whl").unlink()
    lacking = afresh()
    assert lacking.returncode != 0
    assert "bundle has not all that requirements/core.lock takes" in lacking.stderr
    assert "beside==1.5" in lacking.stderr


@pytest.mark.slow
def test_a_package_whose_hash_is_not_in_the_lock_is_not_installed(
    machine: Machine, checkout: Checkout, tmp_path: Path
) -> None:
    known = checkout.lock.read_text()
    digest = known.split("sha256:")[1].strip()
    checkout.lock.write_text(known.replace(digest, digest[::-1]))
    refused = machine([], script=checkout.script, **checkout.environment())
    assert refused.returncode != 0
    assert "the file of beside==1.5 that pip was given is none of those whose hashes" in refused.stderr
    assert "requirements/core.lock" in refused.stderr
    assert "a mirror of yours" in refused.stderr
    assert "requirements/lock.sh makes it anew" in refused.stderr
    probe = [str(tmp_path / "venv/bin/python"), "-c", "import beside"]
    assert subprocess.run(probe, check=False, capture_output=True, timeout=60, cwd=tmp_path).returncode

    shutil.rmtree(tmp_path / "bin")
    checkout.lock.write_text(known + "torch==2.0\n")
    bare = machine([], script=checkout.script, **checkout.environment())
    assert bare.returncode != 0, "a line without a hash is not let through"
    assert "hash" in bare.stderr

    shutil.rmtree(tmp_path / "bin")
    checkout.lock.write_text(known)
    repeated = machine([], script=checkout.script, **checkout.environment())
    assert repeated.returncode == 0, repeated.stdout + repeated.stderr


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
    assert "valid: chgnet, docs, gpaw, metrics, mp, sevennet" in result.stderr


LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


def packages(lock: Path) -> dict[str, str]:
    """What a lock says of each package, on one line: its version, for whom it is, and its hashes."""
    lines = lock.read_text().replace("\\\n", "").splitlines()
    pairs = (line.partition("==") for line in lines if not line.startswith("#"))
    return {name: rest for name, _, rest in pairs}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_version_of_a_lock_is_exact_has_its_hashes_and_names_no_place(lock: Path) -> None:
    found = packages(lock)
    assert found
    for name, rest in found.items():
        version, _, hashes = rest.partition(" ")
        assert re.fullmatch(r"[a-z0-9-]+", name)
        assert re.fullmatch(r"[0-9][0-9a-z.]*", version), f"{name}: no exact version of all machines"
        for_whom, _, hashes = hashes.partition("--hash=")
        assert re.fullmatch(r"(; [A-Za-z0-9_'.!=><() ]+ )? *", for_whom), f"{name}: {for_whom}"
        assert re.fullmatch(r"(sha256:[0-9a-f]{64} *(--hash=)?)+", hashes), f"{name} has no hashes"


def test_the_locks_agree_and_leave_torch_to_each_machine() -> None:
    assert {lock.stem for lock in LOCKS} == {
        "build", "cmake", "core", "chgnet", "docs", "gpaw", "horovod", "metrics", "mp", "sevennet", "test",
    }  # fmt: skip
    seen: dict[str, tuple[str, str]] = {}
    for lock in LOCKS:
        for name, rest in packages(lock).items():
            assert name != "torch"
            files = re.sub(r" ; .*?(?= +--hash)", "", rest)  # where it is needed, each says for itself
            first, said = seen.setdefault(name, (lock.name, files))
            assert files == said, f"{name} is another in {lock.name} than in {first}"


def test_the_locks_have_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = {"core": [*project["dependencies"], *extras["horovod"], *extras["mpi"]], "test": extras["dev"]}
    asked |= {name: extras[name] for name in ("chgnet", "docs", "gpaw", "metrics", "mp", "sevennet")}
    (torch,) = [Requirement(name) for name in project["dependencies"] if name.startswith("torch")]
    (locked,) = [
        line for line in (ROOT / "requirements/torch.txt").read_text().splitlines() if line[0] != "#"
    ]
    assert torch.specifier.contains(locked.removeprefix("torch=="))
    for stem, wanted in asked.items():
        found = packages(ROOT / "requirements" / f"{stem}.lock")
        for requirement in wanted:
            name = re.split(r"[\[<>=]", requirement)[0].lower()
            if name not in ("torch", "horovod"):
                assert name in found, f"{stem}.lock lacks {name}: run requirements/lock.sh"
