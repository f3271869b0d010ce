"""Private names of libraries that hpcvox relies on: an upgrade that takes one away fails here, not at a user's.

A library may change them without a word.  Each is used in one place; what it is needed for stands there.
"""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from pymatgen.analysis.structure_matcher import StructureMatcher

from tests.support.paths import ROOT

PRIVATE = {
    "atexit:_run_exitfuncs": "hpcvox/process/ending.py",
    "chgnet.model.model:CHGNet._compute": "hpcvox/calculators/chgnet.py",
    "optuna.artifacts._upload:ARTIFACTS_ATTR_PREFIX": "hpcvox/studies/pictures.py",
    "optuna.storages.journal._base:BaseJournalBackend": "hpcvox/studies/books/journal.py",
    "optuna.samplers:NSGAIISampler._get_parent_cache_key_prefix": "hpcvox/studies/study.py",
    "optuna.storages.journal._storage:JournalStorageReplayResult": "hpcvox/studies/books/storage.py",
    "optuna.study._frozen:FrozenStudy": "hpcvox/studies/books/snapshot.py",
    "pymatgen.analysis.structure_matcher:StructureMatcher._get_lattices": "hpcvox/crystals/known.py",
    "pymatgen.analysis.structure_matcher:StructureMatcher._get_mask": "hpcvox/crystals/known.py",
    "pymatgen.analysis.structure_matcher:StructureMatcher._get_reduced_structure": "hpcvox/crystals/known.py",
    "pymatgen.analysis.structure_matcher:StructureMatcher._get_supercells": "hpcvox/crystals/known.py",
    "pymatgen.analysis.structure_matcher:StructureMatcher._match": "hpcvox/crystals/known.py",
    "pymatgen.analysis.structure_matcher:StructureMatcher._preprocess": "hpcvox/crystals/known.py",
    "pymatgen.analysis.structure_matcher:StructureMatcher._process_species": "hpcvox/crystals/known.py",
    "ray._private.node:Node": "hpcvox/actors/cluster.py",
    "ray.job_config:JobConfig._serialize": "hpcvox/actors/cluster.py",
    "tarfile:TarInfo._proc_gnusparse_10": "hpcvox/crystals/sources/archives.py",
    "torch:_disable_dynamo": "hpcvox/training/adam.py",
    "torch._C._distributed_c10d:Store": "hpcvox/training/ranks/meeting.py",
    "urllib3.connection:HTTPConnection._new_conn": "hpcvox/fetch/cutting.py",
}
"""``module:name``, and where it is used."""

OF_INSTANCES = {
    *(
        "_primitive_cell",
        "_py_driver_sys_path",
        "_study_id",
        "_thread_lock",
        "_trial_id",
        "_worker_id_prefix",
    ),
}
"""No class has them: what has them is made below."""


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
    if module.startswith("ray"):
        in_a_process(f"import {module}; {module}.{names}")
    else:
        found = importlib.import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
    assert names.rpartition(".")[2] in (ROOT / PRIVATE[place]).read_text("utf-8")


def test_no_other_private_attribute_of_a_library_is_used() -> None:
    """Whatever begins with one underscore and is no name that hpcvox gives itself."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in modules()}
    own = {*dir(NamedTuple("Any", [])), *dir(os)}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                own.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                own.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                own.add(node.id)
    listed = {name.rpartition(":")[2].rpartition(".")[2] for name in PRIVATE} | OF_INSTANCES
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                known = node.attr in own | listed or node.attr.endswith("__")
                assert known, f"{path}:{node.lineno}: {ast.unparse(node)}"


def test_a_job_config_of_ray_has_the_paths_of_the_driver() -> None:
    in_a_process(
        "import ray.job_config; assert isinstance(ray.job_config.JobConfig()._py_driver_sys_path, list)"
    )


def in_a_process(code: str) -> None:
    """Run ``code``.  Ray reads its environment when it is imported, and tests of this process may start it later."""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_trial_and_a_study_of_optuna_have_their_private_numbers() -> None:
    """The class of a trial has none: it is set when a trial is made.  Pictures of a trial are filed by it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study()
    assert isinstance(study.ask()._trial_id, int)
    assert isinstance(study._study_id, int)


def test_a_journal_storage_of_optuna_has_its_lock_and_its_worker(tmp_path: Path) -> None:
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal.log")))
    with storage._thread_lock:
        assert isinstance(storage._worker_id_prefix, str)


def test_a_matcher_of_pymatgen_says_whether_it_takes_primitive_cells() -> None:
    assert StructureMatcher()._primitive_cell is True
