"""Modules, functions and folders of hpcvox are small enough to be read at once."""

import ast
from collections import Counter

from tests.support.paths import ROOT

LINES_OF_A_MODULE = 350
LINES_OF_A_FUNCTION = 60
MODULES_OF_A_FOLDER = 15

MODULES = sorted((ROOT / "hpcvox").rglob("*.py"))


def test_no_module_is_longer_than_350_lines() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8").count("\n") for path in MODULES}
    assert {name: n for name, n in lengths.items() if n > LINES_OF_A_MODULE} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    long = {
        f"{path.relative_to(ROOT).as_posix()}:{node.name}": length
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LINES_OF_A_FUNCTION
    }
    assert long == {}


def test_no_folder_has_more_than_15_modules() -> None:
    folders = Counter(
        path.parent.relative_to(ROOT).as_posix() for path in MODULES if path.name != "__init__.py"
    )
    assert {name: n for name, n in folders.items() if n > MODULES_OF_A_FOLDER} == {}
