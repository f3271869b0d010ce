"""Fixtures shared by all test files."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from hpcvox.actors.cluster import ONE_THREAD, cluster
from hpcvox.process.ending import leave
from tests.support.browsing import chromium
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import Lab, missing_tools

if "PYTEST_XDIST_WORKER" in os.environ:
    # Side by side, threads of libraries that wait in loops would take the cores from those that compute.
    os.environ |= ONE_THREAD

# A test says what is computed, never how fast: machines that run it may be busy.
# Examples are the same in every run; HYPOTHESIS_PROFILE=explore draws others.
hypothesis.settings.register_profile("hpcvox", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "hpcvox"))

pytest_plugins = ("tests.support.trained_unet",)

STATUS = pytest.StashKey[int]()

LONGEST = (
    *("slurm/test_pipeline", "pipeline/test_job", "rounds/test_job", "test_readme", "slurm/test_study"),
    *("training/test_ranks", "training/test_elastic", "training/test_interruptions", "featurize/test_faults"),
    *("slurm/", "training/", "networks/", "studies/", "jobs/", "featurize/"),
)
"""Beginnings of the names of files whose tests take minutes, the longest first, or one would be waited for last."""

COSTLY = {
    *("lab", "browser", "ray", "pool", "machines", "environment", "server", "chgnet"),
    *(
        "trained",
        "unet",
        "generated",
        "undisturbed",
        "one_rank",
        "studied",
        "worker",
        "screened",
        "many",
        "encoder",
    ),
}
"""Fixtures that start SLURM, Ray, a browser or a server, or train: a test that takes one is ``slow``."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets, named by ``HPCVOX_SHARED`` or found beside the repository.

    Tests that use it skip where it is absent: the suite passes from a fresh clone alone.
    """
    root = Path(os.environ.get("HPCVOX_SHARED", ROOT.parent / "shared"))
    data = root / "data"
    if not data.is_dir():
        pytest.skip(f"no shared data at {data}: set HPCVOX_SHARED to its folder")
    return data


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A real SLURM of two nodes, for which this hpcvox is set up."""
    if missing := missing_tools():
        pytest.skip(f"no SLURM here: {', '.join(missing)} (set-up for the tests installs it, as root)")
    with tempfile.TemporaryDirectory(prefix="slurm-lab-", dir="/tmp") as folder, Lab(Path(folder)) as lab:
        lab.env |= {"HPCVOX_VENV": sys.prefix, "HPCVOX_HOME": str(ROOT)}
        yield lab


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real headless Chromium."""
    with chromium(tmp_path_factory.mktemp("chromium")) as driving:
        yield driving


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with costly fixtures are slow; files whose tests take long come first."""

    def rank(item: pytest.Item) -> int:
        name = item.nodeid.removeprefix("tests/")
        return next((i for i, begins in enumerate(LONGEST) if name.startswith(begins)), len(LONGEST))

    for item in items:
        if isinstance(item, pytest.Function) and COSTLY & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)
    items.sort(key=rank)


@pytest.fixture(scope="module")
def ray() -> Iterator[int]:
    """A Ray that the jobs of a module find and use, which they start for themselves otherwise; its number of CPUs."""
    with cluster(2) as cpus:
        yield cpus


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """This process has had Ray in it, too, and many times."""
    if STATUS in config.stash:
        leave(config.stash[STATUS])
