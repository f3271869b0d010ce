"""What hpcvox imports is what pyproject.toml declares."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator

from tests.support.paths import ROOT

DISTRIBUTIONS = {"emmet": "emmet-core", "sklearn": "scikit-learn", "yaml": "pyyaml"}
"""Of the modules that have another name than what is installed."""

UNSEEN = {
    "tensorboard": "torch.utils.tensorboard imports it",
    "cffi": "of Horovod",
    "cloudpickle": "of Horovod",
    "packaging": "of Horovod",
}
"""What is declared and imported by others, and why."""


def imported(source: str) -> Iterator[str]:
    """The modules of other projects that ``source`` imports, wherever it does; not those of type checkers."""
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in (name.split(".")[0] for name in names):
            if name not in sys.stdlib_module_names and name != "hpcvox" and not name.startswith("_"):
                yield name


def declared(requirements: list[str]) -> set[str]:
    """Names of what is required, without versions and extras."""
    return {re.split(r"[^\w-]", each)[0].lower() for each in requirements}


def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = dict(project["optional-dependencies"])
    del extras["dev"], extras["docs"]  # of tests, and of the site
    required = declared(project["dependencies"]).union(*map(declared, extras.values()))
    used = {
        DISTRIBUTIONS.get(name, name.replace("_", "-"))
        for path in (ROOT / "hpcvox").rglob("*.py")
        for name in imported(path.read_text("utf-8"))
    }
    assert used - required == set()
    assert required - used == set(UNSEEN)


def test_what_is_declared_has_its_version_in_a_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for extra, requirements in [("core", project["dependencies"]), *project["optional-dependencies"].items()]:
        if extra in ("dev", "horovod"):  # of tests, and of what is built
            continue
        lock = "core" if extra == "mpi" else extra  # set-up installs it wherever there is an MPI or not
        locked = declared((ROOT / f"requirements/{lock}.lock").read_text("utf-8").splitlines())
        # torch's build, and with it its hash, is for each machine to choose: torch.txt has its version
        assert declared(requirements) - locked - {"torch"} == set(), extra
