"""Typed settings: read from YAML and ``key=value`` overrides, checked, and saved with each run.

A job's settings are a subclass of :class:`Settings` beside the code they steer.  Unknown keys and
values outside their range are refused with the key, the value and what is valid.  A setting that is text or a path
takes what is written: ``0010``, ``No`` and ``1.10`` are themselves, and only ``null`` is no value (``scalars``).
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, cast

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from hpcvox import scalars
from hpcvox.errors import ConfigError
from hpcvox.files import durable, regular
from hpcvox.validation import explained, group_of

S = TypeVar("S", bound="Settings")

COMMAND_LINE = "the command line"
NULL = scalars.NULL

MAX_BYTES: Final = 256 * 1024
"""A config that is longer is none (20,000 ids are half of it); reading it would take many seconds."""

_MAX_PROBLEMS: Final = 10
"""Of one file, those that are told."""
_MAX_SHOWN: Final = 200
"""Characters that are shown of a value that is wrong."""


class Settings(BaseModel):
    """Base of all settings: immutable, strict about unknown keys."""

    # databases number their crystals and columns, and YAML reads such names as numbers
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True)

    groups_as_given: ClassVar[bool] = False
    """Whether it matters which keys of a group are given: one that is not may follow another setting."""

    @classmethod
    def variant(cls, tree: Mapping[str, Any]) -> type["Settings"]:
        """The subclass whose settings ``tree`` are; for settings that come in several kinds.

        Raises:
            ConfigError: there is no such kind.
        """
        return cls

    @classmethod
    def kinds(cls) -> Mapping[str, Iterable[str]]:
        """The key that chooses the :meth:`variant`, and its values; nothing of settings of one kind."""
        return {}


def load(kind: type[S], path: Path | None = None, overrides: Sequence[str] = ()) -> S:
    """Settings of ``kind`` from a YAML file (or the defaults) with ``a.b=value`` overrides on top.

    Raises:
        ConfigError: the file cannot be read, a key is unknown or a value is not valid.
    """
    tree = _read(path) if path is not None else {}
    for override in overrides:
        _apply(tree, override)
    return _checked(kind, tree, str(path) if path is not None else COMMAND_LINE, overrides)


def parsed(kind: type[S], text: str, origin: str) -> S:
    """Settings of ``kind`` from YAML as :func:`dump` writes it; ``origin`` names where it came from in errors."""
    return _checked(kind, scalars.parse(text), origin, ())


def validate(kind: type[S], tree: dict[str, Any], origin: str) -> S:
    """``tree`` as settings of ``kind``; ``origin`` names where it came from in errors."""
    return _checked(kind, tree, origin, ())


def _checked(kind: type[S], tree: dict[str, Any], origin: str, overrides: Sequence[str]) -> S:
    given = {override.partition("=")[0]: override for override in overrides}
    try:
        named = {
            key: scalars.meant(value, str) if isinstance(value, str) else value for key, value in tree.items()
        }
        kind = cast("type[S]", kind.variant(named))
        return kind.model_validate(scalars.meant(tree, kind))
    except ValidationError as error:
        lines: dict[str, list[str]] = {}
        problems = error.errors(include_url=False)
        for problem in problems[:_MAX_PROBLEMS]:
            where = _origin(".".join(map(str, problem["loc"])), origin, given)
            lines.setdefault(where, []).append(explained(kind, problem))
        told = "; ".join(f"{where}: {'; '.join(said)}" for where, said in lines.items())
        rest = len(problems) - _MAX_PROBLEMS
        raise ConfigError(told + (f"; and {rest} more" if rest > 0 else "")) from None
    except scalars.NotANumberError as error:
        raise ConfigError(f"{_origin(error.key, origin, given)}: {error}") from None


def _origin(key: str, origin: str, given: Mapping[str, str]) -> str:
    """Where the value of ``key`` came from: the override that set it or a part of it, or the rest."""
    for name, override in reversed(list(given.items())):
        if f"{key}.".startswith(f"{name}.") or (key and name.startswith(f"{key}.")):
            return f"on {COMMAND_LINE}: {override}"
    if not key and given and origin != COMMAND_LINE:
        return f"{origin} and {COMMAND_LINE}"
    return origin


def save(settings: Settings, path: Path) -> None:
    """Write the resolved settings as YAML."""
    durable.write_text(path, dump(settings))


def dump(settings: Settings) -> str:
    """The settings as YAML, every key written out, in the order of their definition."""
    return scalars.written(settings.model_dump(mode="json"))


def claim(settings: Settings, out: Path, may_change: Iterable[str]) -> None:
    """Save the resolved settings in ``out``; refuse a folder with results of other settings.

    Raises:
        ConfigError: names every setting that differs.
    """
    path = out / "config.yaml"
    if path.exists():
        ignored = {*may_change, "out"}
        before = load(type(settings), path).model_dump(mode="json", exclude=ignored)
        now = settings.model_dump(mode="json", exclude=ignored)
        changed = [
            f"{key} ({before.get(key)!r} → {now[key]!r})" for key in now if before.get(key) != now[key]
        ]
        if changed:
            raise ConfigError(
                f"{out} holds results of other settings: {', '.join(changed)}; "
                "choose another out, or remove that folder to begin anew"
            )
    save(settings, path)


def keys(kind: type[BaseModel], prefix: str = "") -> dict[str, FieldInfo]:
    """Every key of the settings class ``kind``, those of groups as ``group.key``, and the groups themselves."""
    found: dict[str, FieldInfo] = {}
    for name, field in kind.model_fields.items():
        found[f"{prefix}{name}"] = field
        if (group := group_of(field)) is not None:
            found |= keys(group, f"{prefix}{name}.")
    return found


def is_switch(kind: type[BaseModel], key: str) -> bool:
    """Whether ``key`` of the settings class ``kind`` is true or false."""
    field = keys(kind).get(key)
    return field is not None and field.annotation is bool


def put(tree: dict[str, Any], key: str, value: Any, origin: str) -> None:
    """Set ``group.key`` in ``tree``, in place; groups that are not there are made.

    Raises:
        ConfigError: a group is a value; ``origin`` says where it came from.
    """
    *groups, last = key.split(".")
    if len(groups) > scalars.MAX_DEPTH:
        raise ConfigError(f"{origin[:_MAX_SHOWN]}: no key lies in {len(groups)} groups")
    for group in groups:
        if _is_none(tree.get(group)):
            tree[group] = {}
        tree = tree[group]
        if not isinstance(tree, dict):
            raise ConfigError(f"{origin}: {group} is a value, not a group of keys")
    tree[last] = value


def _is_none(value: Any) -> bool:
    """Whether a group is not there, or null, which a file has for a job that is left out."""
    return value is None or (isinstance(value, scalars.Plain) and value.tag == "null")


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = scalars.parse(regular.read_text(path, MAX_BYTES))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the config: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: the config is to be text in UTF-8: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {scalars.told(error)}") from None
    if _is_none(tree):
        return {}
    if not isinstance(tree, dict):
        shown = "text" if isinstance(tree, str) else type(tree).__name__
        raise ConfigError(f"{path}: a config is a mapping of keys to values, not a {shown}")
    return tree


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"{override!r} is not an override: write key=value or group.key=value")
    group: Any = tree
    for name in key.split(".")[:-1]:  # a group that an override before has set as a whole
        if isinstance(group, dict) and isinstance(group.get(name), scalars.Word):
            group[name] = scalars.parsed(group[name])
        group = group.get(name) if isinstance(group, dict) else None
    put(tree, key, scalars.Word(value), repr(override))
