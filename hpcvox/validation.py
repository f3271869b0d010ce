"""Turns pydantic's errors into sentences: which key is wrong, what is wrong with it, and what is valid there."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from hpcvox.errors import did_you_mean

_MAX_KEY: Final = 80
_MAX_SHOWN: Final = 200
"""Most characters of a key and of a value that an error shows; both may come from a stranger."""


def first_problem(kind: type[BaseModel], error: ValidationError) -> str:
    """A line about the first problem in ``error``, which pydantic raised for the class ``kind``."""
    return explained(kind, error.errors(include_url=False)[0])


def explained(kind: type[BaseModel], problem: Mapping[str, Any]) -> str:
    """A line about ``problem``, one of the errors of a :class:`pydantic.ValidationError` for the class ``kind``."""
    path = [str(part) for part in problem["loc"]]
    key = " ".join(".".join(path).split())[:_MAX_KEY]
    if problem["type"] == "extra_forbidden":
        fields = _fields(kind, path[:-1])
        valid = sorted(fields)
        near = did_you_mean(path[-1], valid) or _meant_by(problem["input"], fields)
        return f"unknown key {key}: {near}valid here: {', '.join(valid)}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    said = str(problem["msg"]).removeprefix("Value error, ").removesuffix(" for <class 'pathlib.Path'>")
    if not key:  # the problem is of several keys together, or the value is no object
        return " ".join(said.split())
    words = re.findall("'([^']+)'", problem["ctx"]["expected"]) if "literal" in problem["type"] else []
    near = did_you_mean(str(problem["input"]), words)
    return f"{key}: {said} (given: {shown(problem['input'])})" + (f": {near.rstrip()}" if near else "")


def shown(value: object) -> str:
    """``value`` as an error shows it, shortened if it is long."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]} …"


def group_of(field: FieldInfo) -> type[BaseModel] | None:
    """The class of a field that is a group of keys; None if the field is a value."""
    options = [field.annotation, *get_args(field.annotation)]
    return next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _meant_by(value: object, fields: Mapping[str, FieldInfo]) -> str:
    """The beginning of a hint at the first of ``fields`` whose names ``value`` is one of; empty if there is none."""
    for key, field in fields.items():
        if any(value in one.names() for one in field.metadata if hasattr(one, "names")):
            return f"did you mean {key}={value}? "
    return ""


def _fields(kind: type[BaseModel], path: Sequence[str]) -> Mapping[str, FieldInfo]:
    """The fields of the group at ``path`` within ``kind``."""
    for name in path:
        if name.isdigit():  # an index into a list of groups
            continue
        field = kind.model_fields.get(name)
        found = None if field is None else group_of(field)
        if found is None:
            return {}
        kind = found
    return kind.model_fields
