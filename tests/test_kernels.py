"""What numba compiles takes nothing of other files of hpcvox: its cache of a function does not notice changes there."""

import ast
import inspect
from collections.abc import Iterator

from hpcvox.descriptors import density, grid_sums, lattice_sums
from tests.support.paths import ROOT


def taken(source: str) -> Iterator[str]:
    """Each name of another file of hpcvox that a compiled function of ``source`` has, ``function: module.name``."""
    tree = ast.parse(source)
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "hpcvox":
            imported |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            names = (each.asname or each.name.split(".")[0] for each in node.names)
            imported |= {
                name: name for name, each in zip(names, node.names, strict=True) if "hpcvox" in each.name
            }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(
            "jit" in ast.unparse(each) for each in node.decorator_list
        ):
            words = (word.id for line in node.body for word in ast.walk(line) if isinstance(word, ast.Name))
            yield from (f"{node.name}: {imported[word]}" for word in words if word in imported)


def test_a_kernel_that_takes_a_name_of_another_file_is_found() -> None:
    source = """
import numba
import hpcvox.descriptors.radii as radii
from hpcvox.descriptors.density import REACH as WIDTHS, fill
HERE = 1.0

@numba.njit(cache=True)
def kernel(x):
    return x * WIDTHS + HERE + radii.LIMIT + other(x)

@numba.njit
def other(x):
    return fill(x)

def python(x):
    return fill(x) * WIDTHS
"""
    assert sorted(taken(source)) == [
        "kernel: hpcvox.descriptors.density.REACH",
        "kernel: radii",
        "other: hpcvox.descriptors.density.fill",
    ]


def test_no_kernel_takes_a_kernel_or_a_constant_of_another_file() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): names
        for path in sorted((ROOT / "hpcvox").rglob("*.py"))
        if (names := list(taken(path.read_text("utf-8"))))
    }
    assert found == {}, "write it in the kernel's own file, or give it as an argument"


def test_what_kernels_of_several_files_need_is_the_same_in_each() -> None:
    assert density.REACH == lattice_sums.REACH == grid_sums.REACH
    assert density.COARSE == grid_sums.COARSE
    for name in ("FAR", "NO_RADIUS", "UNRESOLVED"):
        assert getattr(density, name) == getattr(lattice_sums, name)
    for name in ("_span", "_reduced"):
        one, other = (getattr(module, name).py_func for module in (lattice_sums, grid_sums))
        assert inspect.getsource(one) == inspect.getsource(other)
