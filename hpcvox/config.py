"""Typed settings: read from YAML and ``key=value`` overrides, checked, and saved with each run.

A job's settings are a subclass of :class:`Settings`, which lies beside the code that uses them.  An unknown key or a
value outside its range is an error, which names the key, the value and what is valid.  A setting of type text or path
keeps exactly what the user wrote: ``0010``, ``No`` and ``1.10`` are text, and only ``null`` means no value (see
``scalars``).
"""

import sys
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
"""Longest config that is read, in bytes: parsing a longer one takes many seconds.  20,000 ids take half of it."""

_MAX_PROBLEMS: Final = 10
"""Most problems of one file that an error lists."""
_MAX_SHOWN: Final = 200
"""Most characters of a wrong value that an error shows."""


class Settings(BaseModel):
    """Base class of all settings: immutable; refuses unknown keys."""

    # names of crystals and columns may look like numbers, and YAML reads them as such
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, coerce_numbers_to_str=True)

    groups_as_given: ClassVar[bool] = False
    """Whether a key of a group that the user leaves out may follow another setting; then only given keys are saved."""

    @classmethod
    def variant(cls, tree: Mapping[str, Any]) -> type["Settings"]:
        """The subclass that ``tree`` belongs to, for settings with several variants (one for each descriptor).

        Raises:
            ConfigError: there is no such variant.
        """
        return cls

    @classmethod
    def kinds(cls) -> Mapping[str, Iterable[str]]:
        """The key that chooses the :meth:`variant`, and its values; empty if there is only one variant."""
        return {}


def load(kind: type[S], path: Path | None = None, overrides: Sequence[str] = ()) -> S:
    """Read settings of class ``kind`` from a YAML file (None: the defaults), then apply ``a.b=value`` overrides.

    Raises:
        ConfigError: the file cannot be read, a key is unknown or a value is not valid.
    """
    tree = _read(path) if path is not None else {}
    for override in overrides:
        _apply(tree, override)
    return _checked(kind, tree, str(path) if path is not None else COMMAND_LINE, overrides)


def parsed(kind: type[S], text: str, origin: str) -> S:
    """Read settings of class ``kind`` from YAML text of :func:`dump`; errors name ``origin`` as its source."""
    return _checked(kind, scalars.parse(text), origin, ())


def validate(kind: type[S], tree: dict[str, Any], origin: str) -> S:
    """Check ``tree`` and return it as settings of class ``kind``; errors name ``origin`` as its source."""
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
    """Where the value of ``key`` came from: the override that set it or a part of it, else ``origin``."""
    for name, override in reversed(list(given.items())):
        if f"{key}.".startswith(f"{name}.") or (key and name.startswith(f"{key}.")):
            return f"on {COMMAND_LINE}: {override}"
    if not key and given and origin != COMMAND_LINE:
        return f"{origin} and {COMMAND_LINE}"
    return origin


def save(settings: Settings, path: Path) -> None:
    """Write the settings to ``path`` as YAML, defaults included."""
    durable.write_text(path, dump(settings))


def dump(settings: Settings) -> str:
    """The settings as YAML text: every key, in the order of their definition."""
    return scalars.written(settings.model_dump(mode="json"))


def claim(settings: Settings, out: Path, may_change: Iterable[str] | Mapping[str, Any]) -> None:
    """Save the settings in the folder ``out``, unless it holds results of other settings.

    Args:
        may_change: keys that may differ from those that are saved there; or each with True or, of a group, the
            set of those in it.

    Raises:
        ConfigError: ``out`` holds results of other settings; the message names every setting that differs.
    """
    path = out / "config.yaml"
    if path.exists():
        free = may_change if isinstance(may_change, Mapping) else dict.fromkeys(may_change, True)
        ignored = {**free, "out": True}
        before = _flat(load(type(settings), path).model_dump(mode="json", exclude=ignored))
        now = _flat(settings.model_dump(mode="json", exclude=ignored))
        changed = [
            f"{key} ({before.get(key)!r} → {now.get(key)!r})"
            for key in {**now, **before}
            if before.get(key) != now.get(key)
        ]
        if changed:
            raise ConfigError(
                f"{out} holds results of other settings: {', '.join(changed)}; "
                "choose another out, or remove that folder to begin anew"
            )
    save(settings, path)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of ``tree`` by their whole keys, those of groups as ``group.key``."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def keys(kind: type[BaseModel], prefix: str = "") -> dict[str, FieldInfo]:
    """Every key of the settings class ``kind``: groups, and the keys in them as ``group.key``."""
    found: dict[str, FieldInfo] = {}
    for name, field in kind.model_fields.items():
        found[f"{prefix}{name}"] = field
        if (group := group_of(field)) is not None:
            found |= keys(group, f"{prefix}{name}.")
    return found


def is_switch(kind: type[BaseModel], key: str) -> bool:
    """Whether ``key`` of the settings class ``kind`` is a switch (true or false)."""
    field = keys(kind).get(key)
    return field is not None and field.annotation is bool


def put(tree: dict[str, Any], key: str, value: Any, origin: str) -> None:
    """Set ``group.key`` in ``tree``, in place; missing groups are made.

    Raises:
        ConfigError: ``group`` is a value and not a group; the message names ``origin``, the source of the key.
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
    """Whether a group is missing, or null (a config leaves a job out by null)."""
    return value is None or (isinstance(value, scalars.Plain) and value.tag == "null")


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = scalars.parse(regular.read_text(path, MAX_BYTES))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the config: {error.strerror}{_installed(path)}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: a config must be text in UTF-8: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {scalars.told(error)}") from None
    if _is_none(tree):
        return {}
    if not isinstance(tree, dict):
        shown = "text" if isinstance(tree, str) else type(tree).__name__
        raise ConfigError(f"{path}: a config is a mapping of keys to values, not a {shown}")
    return tree


def _installed(path: Path) -> str:
    """Where pip has put the config of this name, which is ``configs/…`` in a checkout and in what is said of it."""
    there = Path(sys.prefix, "share", "hpcvox", path)
    ours = path.parts[:1] == ("configs",) and there.is_file()
    return f"; the one that comes with hpcvox is {there}" if ours else ""


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"{override!r} is not an override: write key=value or group.key=value")
    group: Any = tree
    for name in key.split(".")[:-1]:  # an earlier override may have set a whole group
        if isinstance(group, dict) and isinstance(group.get(name), scalars.Word):
            group[name] = scalars.parsed(group[name])
        group = group.get(name) if isinstance(group, dict) else None
    put(tree, key, scalars.Word(value), repr(override))
