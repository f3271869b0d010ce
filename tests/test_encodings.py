"""Every text file of ours is opened with its encoding: a locale of Latin-1 or ASCII changes nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

FILES = sorted(path for folder in ("hpcvox", "jobs") for path in (ROOT / folder).rglob("*.py"))
PLACES = {"open": 0, "read_text": 0, "write_text": 1, "fdopen": 1, "TextIOWrapper": 1}
"""Calls that open a text, and which of their arguments may be the encoding (of open, the mode)."""

IN_ASCII = {"hpcvox/actors/cluster.py"}
"""Whose files are a token of hexadecimal digits and empty locks."""


def without_encoding(tree: ast.AST) -> Iterator[int]:
    """Lines of calls that leave the encoding of a text to the locale."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        given = {keyword.arg for keyword in call.keywords}
        if name in ("run", "Popen", "check_output"):
            if given & {"text", "universal_newlines"} and "encoding" not in given:
                yield call.lineno
            continue
        if name not in PLACES or "encoding" in given or _is_of_another_kind(call, name):
            continue
        if name in ("open", "fdopen"):
            if not any(_is_binary(value) for value in [*call.args, *(k.value for k in call.keywords)]):
                yield call.lineno
        elif len(call.args) <= PLACES[name]:
            yield call.lineno


def _is_binary(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Constant)
        and isinstance(value.value, str)
        and len(value.value) <= 3
        and "b" in value.value
    )


def _is_of_another_kind(call: ast.Call, name: str) -> bool:
    """Whether it is ``gzip.open`` (binary unless told), ``os.open``, ``ShardSet.open`` or our own ``read_text``."""
    owner = getattr(call.func, "value", None)
    owners = (
        "os",
        "gzip",
        "zipfile",
        "_zip",
        "archive",
        "h5a",
        "h5d",
        "h5g",
        "Index",
        "ShardSet",
        "Study",
        "durable",
        "kind",
    )
    named = getattr(owner, "attr", getattr(owner, "id", ""))
    return (name == "open" and named in owners) or named in ("regular", "durable")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_texts_are_opened_with_their_encoding(path: Path) -> None:
    if path.relative_to(ROOT).as_posix() not in IN_ASCII:
        assert list(without_encoding(ast.parse(path.read_text("utf-8")))) == []


CALLS = "p.open()|p.open('w')|open(p)|p.read_text()|p.write_text(t)|run(c, text=True)|os.fdopen(1, 'w')|tarfile.open(p)"


@pytest.mark.parametrize("call", CALLS.split("|"))
def test_a_call_without_encoding_is_found(call: str) -> None:
    assert list(without_encoding(ast.parse(call))) == [1]
