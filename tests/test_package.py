"""What `pip install` and conda are given: complete, alone, and what pyproject.toml says."""

import os
import re
import resource
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from ase.io import read
from packaging.requirements import Requirement
from packaging.version import Version
from rattler_build import Stage0Recipe

from hpcvox import __version__
from tests.support.paths import ROOT

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RECIPE: Final = ROOT / "requirements/conda/recipe.yaml"

BY_CONDA: Final = {
    "matplotlib": "matplotlib-base",
    "ray[default]": "ray-default",
    "torch": "pytorch",
    "xxhash": "python-xxhash",
}
"""What has another name on conda-forge."""

FIVE_LINES: Final = next(
    block
    for block in re.findall(r"```python\n(.*?)```", (ROOT / "docs/install.md").read_text("utf-8"), re.DOTALL)
    if 'load("perovskites")' in block
)

PLAIN: Final = {"PATH": os.defpath}
"""An environment that names neither this checkout nor its virtual environment."""

WITHOUT_NETWORK: Final = """
import runpy, sys
def refuse(event, given):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError(f"asks the network: {given}")
sys.addaudithook(refuse)
runpy.run_path("five_lines.py")
places = {module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "hpcvox"}
sys.exit(sum(not place.startswith(sys.prefix) for place in places if place))
"""


class Built(NamedTuple):
    """What `python -m build` makes of the files of this checkout, which lie elsewhere and without git."""

    source: Path
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The wheel is made of the source distribution, with what is installed here: no index is asked."""
    folder = tmp_path_factory.mktemp("package")
    left_out = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "runs")
    source = shutil.copytree(ROOT, folder / "archive", ignore=left_out)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Built(source, sdist, wheel)


@pytest.fixture(scope="module")
def environment(built: Built) -> Path:
    """A virtual environment with the wheel alone; what it needs is taken from the one that runs the tests."""
    folder = built.wheel.parent / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    (packages,) = folder.glob("lib/python*/site-packages")
    # a line is no site folder: the .pth files in it, that of this checkout among them, are not followed
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin/python"), "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", built.wheel], check=True, timeout=120)
    return folder


def children_s() -> float:
    """Seconds of a CPU that processes which this one has started, and which have ended, have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def below(folder: Path, *patterns: str) -> dict[str, bytes]:
    """The files of a folder that fit the patterns, by their paths."""
    paths = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in paths if "__pycache__" not in path.parts
    }


@pytest.mark.slow
def test_the_wheel_has_the_package_its_data_and_the_jobs_and_nothing_else(built: Built) -> None:
    name = f"hpcvox-{__version__}"
    assert built.wheel.name == f"{name}-py3-none-any.whl", "for every machine: there is nothing to compile"
    with zipfile.ZipFile(built.wheel) as wheel:
        files = {entry: wheel.read(entry) for entry in wheel.namelist()}
        about = Parser().parsestr(wheel.read(f"{name}.dist-info/METADATA").decode())
    beside = f"{name}.data/data/share/hpcvox/"
    package = below(ROOT, "hpcvox/**/*")
    del package["hpcvox/shipped/README.md"]
    jobs = below(ROOT, "jobs/*.py", "slurm/**/*", "configs/*.yaml", "configs/site.sh")
    assert {path: text for path, text in files.items() if path.startswith("hpcvox/")} == package
    assert {path[len(beside) :]: text for path, text in files.items() if path.startswith(beside)} == jobs
    assert {path.split("/")[0] for path in files} == {"hpcvox", f"{name}.data", f"{name}.dist-info"}
    assert any(path.endswith("perovskites/model.safetensors") for path in files)

    always = {
        Requirement(each).name for each in about.get_all("Requires-Dist") or [] if "extra ==" not in each
    }
    assert always == {Requirement(each).name for each in PROJECT["dependencies"]}
    assert not {"horovod", "mpi4py"} & always, "both take an MPI or a compiler"


@pytest.mark.slow
def test_the_source_distribution_has_set_up_and_pages_and_no_tests(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {
        "setup.sh",
        "Makefile",
        "requirements/core.lock",
        "docs/install.md",
        "configs/hpcvox.def",
    } <= names
    assert not [name for name in names if name.startswith("tests/")]


@pytest.mark.slow
def test_an_archive_without_git_and_an_installed_wheel_know_their_version(
    built: Built, environment: Path, tmp_path: Path
) -> None:
    commands = [[sys.executable, "-m", "hpcvox"], [str(environment / "bin/hpcvox")]]
    for command, folder in zip(commands, (built.source, tmp_path), strict=True):
        done = subprocess.run(
            [*command, "--version"], cwd=folder, env=PLAIN, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"hpcvox {__version__}\n"


@pytest.mark.slow
def test_who_names_a_config_that_comes_with_hpcvox_is_told_where_it_lies(
    environment: Path, tmp_path: Path
) -> None:
    name = "configs/demo.yaml"
    there = environment / "share/hpcvox" / name

    def shown(config: str) -> subprocess.CompletedProcess[str]:
        command = [str(environment / "bin/hpcvox"), "pipeline", config, "--defaults"]
        return subprocess.run(command, cwd=tmp_path, env=PLAIN, capture_output=True, text=True, check=False)

    lost = shown(name)
    assert lost.returncode == 2
    assert f"the one that comes with hpcvox is {there}" in lost.stderr
    assert "classes: [ABX3]" in shown(str(there)).stdout


@pytest.mark.slow
def test_five_lines_make_crystals_of_the_wheel_alone_without_training_or_network(
    environment: Path, tmp_path: Path
) -> None:
    lines = [line for line in FIVE_LINES.splitlines() if line.strip()]
    assert len(lines) == 5
    (tmp_path / "five_lines.py").write_text(FIVE_LINES)
    python = [str(environment / "bin/python"), "-I", "-c", WITHOUT_NETWORK]
    before = children_s()
    done = subprocess.run(python, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert children_s() - before < 120, "of a CPU, whoever else computes here"
    formulas = [line.split()[0] for line in done.stdout.splitlines()]
    assert len(formulas) == 5
    assert all(re.fullmatch(r"([A-Z][a-z]?\d*)+", formula) for formula in formulas)
    assert len(read(tmp_path / "new.cif")) > 1


@pytest.mark.slow
def test_the_scripts_that_pip_installs_use_the_environment_that_they_lie_in(
    environment: Path, tmp_path: Path
) -> None:
    scripts = environment / "share/hpcvox/slurm"
    for path in below(ROOT / "slurm", "**/*"):
        assert os.access(scripts / path, os.X_OK) == os.access(ROOT / "slurm" / path, os.X_OK), path
    submit = ["bash", str(scripts / "train_vae.sh"), "colour=blue"]
    done = subprocess.run(submit, cwd=tmp_path, env=PLAIN, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "colour=blue" in done.stderr
    (environment / "bin/python").rename(environment / "bin/away")
    try:
        lost = subprocess.run(submit, cwd=tmp_path, env=PLAIN, capture_output=True, text=True, check=False)
    finally:
        (environment / "bin/away").rename(environment / "bin/python")
    assert f"no Python at {environment}/bin/python" in lost.stderr


def test_the_recipe_for_conda_asks_for_what_pyproject_asks_for() -> None:
    (rendered,) = Stage0Recipe.from_file(RECIPE).render()
    recipe = rendered.recipe.to_dict()
    assert recipe["package"] == {"name": "hpcvox", "version": __version__}
    assert (RECIPE.parent / recipe["source"][0]["path"]).resolve() == ROOT
    (script,) = PROJECT["scripts"].items()
    assert recipe["build"]["python"]["entry_points"] == [" = ".join(script)]
    wanted = {f"python {PROJECT['requires-python']}", "__unix"}
    for each in PROJECT["dependencies"]:
        name = re.split("[<>=]", each)[0]
        wanted.add(f"{BY_CONDA.get(name, name)} {Requirement(each).specifier}".strip())
    assert set(recipe["requirements"]["run"]) == wanted
    system = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]
    builders = {str(Requirement(each)).replace(">", " >") for each in system["requires"]}
    assert set(recipe["requirements"]["host"]) == {"python 3.11.*", "pip", *builders}
    assert recipe["about"]["license"] == PROJECT["license"]


def versions_of(changelog: str) -> list[tuple[str, str]]:
    """Versions of a changelog with their dates, newest first; '' for one that is not released.

    Raises:
        ValueError: a heading has another form.
    """
    headings = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    found = []
    for heading in headings:
        said = re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d|unreleased)", heading)
        if said is None:
            raise ValueError(
                f"'## {heading}' is not of the form '## [0.1.0] - 2026-12-31', or '- unreleased'"
            )
        found.append((said[1], said[2].replace("unreleased", "")))
    return found


def mistakes(version: str, changelog: str, tags: list[str]) -> list[str]:
    """What of a version, a changelog and the tags of releases does not fit together."""
    listed = versions_of(changelog)
    order = [Version(name) for name, _ in listed]
    found = []
    if not listed or listed[0][0] != version:
        found.append("the topmost version of the changelog is not hpcvox.__version__")
    if order != sorted(set(order), reverse=True):
        found.append("versions out of order")
    if any(not date for _, date in listed[1:]):
        found.append("only the topmost may be unreleased")
    released = {f"v{name}" for name, date in listed if date}
    found += [f"tag {tag}: no released version of the changelog" for tag in tags if tag not in released]
    return found


def test_the_version_is_the_topmost_of_the_changelog_and_every_tag_is_in_it() -> None:
    command = ["git", "-C", str(ROOT), "tag", "--list", "v*"]
    tags = subprocess.run(
        command, capture_output=True, text=True, check=False
    ).stdout.split()  # none in an archive
    assert mistakes(__version__, (ROOT / "CHANGELOG.md").read_text("utf-8"), tags) == []


@pytest.mark.parametrize(
    ("version", "headings", "tags", "said"),
    [
        ("0.2.0", ["[0.2.0] - unreleased", "[0.1.0] - 2026-12-01"], ["v0.1.0"], None),
        ("0.1.0", ["[0.2.0] - unreleased", "[0.1.0] - 2026-12-01"], ["v0.1.0"], "topmost version"),
        ("0.2.0", ["[0.2.0] - unreleased", "[0.1.0] - 2026-12-01"], ["v0.1.0", "v0.2.0"], "tag v0.2.0"),
        ("0.2.0", ["[0.2.0] - 2026-12-02", "[0.1.0] - unreleased"], [], "only the topmost"),
        ("0.1.0", ["[0.1.0] - 2026-12-02", "[0.2.0] - 2026-12-01"], [], "out of order"),
    ],
)
def test_a_release_that_does_not_fit_is_noticed(
    version: str, headings: list[str], tags: list[str], said: str | None
) -> None:
    found = mistakes(version, "".join(f"## {heading}\n\n" for heading in headings), tags)
    assert (found == []) if said is None else any(said in each for each in found)
