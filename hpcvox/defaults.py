"""Prints a verb's settings: with comments for ``--defaults``, and line by line for ``--help``.

Both take their words from ``Field(description=…)`` of each setting, and add the valid values from its type and bounds.
The docstring of the settings class, with its examples, stands at the top.
"""

import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from pydantic.fields import FieldInfo

from hpcvox import scalars
from hpcvox.config import Settings

FLAG: Final = "--defaults"
"""The option that prints the config of a verb, with the settings that are given beside it."""

WIDTH: Final = 120
"""Characters of a line."""

COLUMN: Final = 45
"""Column at which descriptions begin in ``--help``."""


def about(kind: type[Settings]) -> str:
    """The docstring of a settings class: what its verb does, with examples."""
    return inspect.cleandoc(kind.__doc__ or "")


def described(field: FieldInfo) -> str:
    """A setting's description on one line, with its valid values unless the description names them."""
    description = field.description or ""
    valid = _choices(field.annotation, description) or _bounds(field.metadata)
    return "; ".join(filter(None, [description, valid and f"valid: {valid}"]))


def listed(settings: Settings, prefix: str = "") -> Iterator[str]:
    """The lines of ``--help``: each setting as you write it on the command line, then its description."""
    for key, field in type(settings).model_fields.items():
        value = getattr(settings, key)
        if isinstance(value, Settings):
            yield from listed(value, f"{prefix}{key}.")
            continue
        shown = scalars.line(key, settings.model_dump(mode="json", include={key})[key])
        said = _wrapped(described(field), WIDTH - COLUMN) or [""]
        given = f"  {prefix}{shown.replace(': ', '=', 1)}"
        if len(given) >= COLUMN:
            yield given
            given = ""
        yield f"{given:<{COLUMN}}{said[0]}"
        yield from (f"{'':<{COLUMN}}{line}" for line in said[1:])


def text(settings: Settings) -> str:
    """The settings as a config with comments and every key; :func:`hpcvox.config.load` reads the same settings back.

    If the settings class has ``groups_as_given``, its groups have only the keys that the user gave.
    """
    head = [f"# {line}".rstrip() for line in about(type(settings)).splitlines()]
    return "\n".join([*head, "", *_keys(settings, True, 0)]) + "\n"


def _keys(settings: Settings, comments: bool, depth: int) -> Iterator[str]:
    """The lines of a group of settings; the caller will indent them ``depth`` times."""
    as_given = settings.groups_as_given
    for key, field in type(settings).model_fields.items():
        value = getattr(settings, key)
        if comments:
            yield from _comment(described(field), WIDTH - depth)
        if as_given and isinstance(value, Settings):
            yield scalars.line(key, value.model_dump(mode="json", exclude_unset=True))
        elif isinstance(value, Settings):
            yield f"{key}:"
            yield from _indented(_keys(value, comments, depth + 2))
        elif _of_groups(value):
            yield f"{key}:"
            yield from _indented(_groups(value, comments, depth + 2))
        else:
            yield scalars.line(key, settings.model_dump(mode="json", include={key})[key])


def _of_groups(value: Any) -> bool:
    """Whether a value is a list or a mapping that holds at least one group."""
    groups = list(value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ())
    return bool(groups) and all(isinstance(group, Settings) for group in groups)


def _groups(value: Mapping[Any, Settings] | Sequence[Settings], comments: bool, depth: int) -> Iterator[str]:
    """The lines of several groups of the same class; only the first has comments."""
    if isinstance(value, Mapping):
        for number, (name, group) in enumerate(value.items()):
            yield scalars.line(str(name), None).removesuffix(" null")
            yield from _indented(_keys(group, comments and number == 0, depth + 2))
        return
    for number, group in enumerate(value):
        lines = list(_keys(group, comments and number == 0, depth + 2))
        first = next(place for place, line in enumerate(lines) if not line.startswith("#"))
        yield from _indented(lines[:first])
        yield f"- {lines[first]}"
        yield from _indented(lines[first + 1 :])


def _indented(lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _comment(words: str, width: int) -> list[str]:
    return [f"# {line}" for line in _wrapped(words, width - 2)]


def _wrapped(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, break_long_words=False, break_on_hyphens=False)


def _choices(annotation: Any, description: str) -> str:
    """The words that a setting, or each item of a list, may be; empty if the description names all of them."""
    if get_origin(annotation) is Literal:
        words = [str(one) for one in get_args(annotation)]
        named = set(re.findall(r"[\w.-]*\w", description))
        return "" if named.issuperset(words) else _joined(words)
    found = [_choices(one, description) for one in get_args(annotation) if one is not type(None)]
    return next(filter(None, found), "")


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _bounds(metadata: Sequence[Any]) -> str:
    """A number's range in words."""
    low = next((f"{one.ge:,} or more" for one in metadata if isinstance(one, Ge)), "")
    high = next((f"{one.le:,} or less" for one in metadata if isinstance(one, Le)), "")
    if low and high:
        low, high = f"{low.removesuffix(' or more')} to {high.removesuffix(' or less')}", ""
    above = [f"above {one.gt:,}" for one in metadata if isinstance(one, Gt)]
    below = [f"below {one.lt:,}" for one in metadata if isinstance(one, Lt)]
    of = [f"a multiple of {one.multiple_of}" for one in metadata if isinstance(one, MultipleOf)]
    return ", ".join(filter(None, [low, *above, high, *below, *of]))
