"""Private names of libraries that hpcvox relies on: an upgrade that takes one away fails here, not at a user's.

A library may change them without a word.  Each is used in one place; what it is needed for stands there.
"""

import ast
import importlib
from pathlib import Path

import optuna
import pytest

from tests.support.paths import ROOT

PRIVATE = {
    "optuna.artifacts._upload:ARTIFACTS_ATTR_PREFIX": "hpcvox/studies/pictures.py",
    "optuna.storages.journal._base:BaseJournalBackend": "hpcvox/studies/journal.py",
    "optuna.storages.journal._file:BaseJournalFileLock": "hpcvox/studies/journal.py",
    "ray._private.node:Node": "hpcvox/actors/cluster.py",
    "ray.job_config:JobConfig._serialize": "hpcvox/actors/cluster.py",
    "tarfile:TarInfo._proc_gnusparse_10": "hpcvox/crystals/sources/archives.py",
    "torch:_disable_dynamo": "hpcvox/training/adam.py",
    "torch._C._distributed_c10d:Store": "hpcvox/training/ranks/meeting.py",
    "urllib3.connection:HTTPConnection._new_conn": "hpcvox/fetch/cutting.py",
}
"""``module:name``, and where it is used."""


def modules() -> list[Path]:
    return [path for path in (ROOT / "hpcvox").rglob("*.py") if "__pycache__" not in path.parts]


def test_no_other_private_module_of_a_library_is_imported() -> None:
    listed = {name.partition(":")[0] for name in PRIVATE}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom | ast.Import):
                continue
            names = [alias.name for alias in node.names]
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            for name in [module] if module else names:
                own = name.startswith(("hpcvox", "__future__", "_typeshed"))
                private = any(part.startswith("_") for part in name.split("."))
                assert own or not private or name in listed, f"{path}: {name}"


@pytest.mark.parametrize("place", PRIVATE)
def test_it_is_there_and_used_where_the_list_says(place: str) -> None:
    module, _, names = place.partition(":")
    found = importlib.import_module(module)
    for name in names.split("."):
        found = getattr(found, name)
    assert names.rpartition(".")[2] in (ROOT / PRIVATE[place]).read_text("utf-8")


def test_a_trial_of_optuna_has_its_private_number() -> None:
    """The class has none: it is set when a trial is made.  Pictures of a trial are filed by it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    assert isinstance(optuna.create_study().ask()._trial_id, int)
