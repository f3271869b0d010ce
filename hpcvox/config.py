"""Typed settings: read from YAML and ``key=value`` overrides, checked, and saved with each run.

A job's settings are a subclass of :class:`Settings`, which lies beside the code that uses them.  An unknown key or a
value outside its range is an error, which names the key, the value and what is valid.  A setting of type text or path
keeps exactly what the user wrote: ``0010``, ``No`` and ``1.10`` are text, and only ``null`` means no value (see
``scalars``).
"""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, TypeVar, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from hpcvox import scalars
from hpcvox.errors import ConfigError
from hpcvox.files import durable, earlier, regular
from hpcvox.process.settings_files import CONFIG
from hpcvox.terminal import say
from hpcvox.validation import explained, group_of, shown

S = TypeVar("S", bound="Settings")

COMMAND_LINE = "the command line"
NULL = scalars.NULL

MAX_BYTES: Final = 256 * 1024
"""Longest config that is read, in bytes: parsing a longer one takes many seconds.  20,000 ids take half of it."""

_MAX_PROBLEMS: Final = 10
"""Most problems of one file that an error lists."""
_MAX_SHOWN: Final = 200
"""Most characters of a wrong value that an error shows."""


_HOW: Final = frozenset(
    {
        *("actors", "threads", "ranks", "backend", "device", "checkpoint_steps", "keep_checkpoints"),
        *(
            "stall_s",
            "limit_s",
            "timeout_s",
            "pause_s",
            "retries",
            "page_limit",
            "hours",
            "heartbeat_s",
            "key_file",
        ),
    }
)
"""Settings that say how something is computed and not what: they may change, and nobody needs to be told."""

_NOT_OF_RESULTS: Final = _HOW | {"out", "overwrite"}

Overwrite = Annotated[
    bool,
    Field(
        description="where out holds results of other settings: true: they are made anew, and what was there is kept "
        "until that is whole; false: that is refused. With the same settings a run goes on where it was"
    ),
]
"""A setting of what makes results that cost something."""


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

    makes: ClassVar[Sequence[str]] = ("*",)
    """Names, or patterns, of what a job with these settings leaves in its ``out``."""

    def may_change(self) -> frozenset[str]:
        """Settings with which results may go on that were begun with others; see :func:`claim`."""
        return frozenset()

    @classmethod
    def words(cls) -> Mapping[str, Iterable[str]]:
        """Settings whose values may be typed without their key, and these values; no value is one of two settings."""
        return {}

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


def claim(settings: Settings, out: Path, may_change: Iterable[str] = (), new: Sequence[str] = ()) -> None:
    """Save the resolved settings in ``out``; where it holds results of other settings, refuse or begin anew.

    Settings that may change (:meth:`Settings.may_change`, and ``may_change``) are told and gone on with.  With
    ``overwrite=true`` what is there is set aside (:mod:`hpcvox.files.earlier`) until the new is whole.

    Args:
        may_change: keys of settings: a whole group, or ``group.key`` in it.
        new: what the results were made from and is another now, in words.

    Raises:
        ConfigError: names every setting that differs, what it was and what it is, and what to do.
    """
    if earlier.holds_results(out, settings.makes):
        ignored = {*may_change, *settings.may_change()}
        if told := [*changes(settings, out, ignored), *new]:
            if not getattr(settings, "overwrite", False):
                advice = (
                    ", or overwrite=true to have it made anew"
                    if "overwrite" in type(settings).model_fields
                    else (", or remove that folder to begin anew")
                )
                raise ConfigError(
                    f"{out} holds results of other settings: {', '.join(told)}: choose another out{advice}"
                )
            begin_anew(settings, out, told)
            return
        if told := changes(settings, out, (), only=ignored):
            say(f"{out} goes on with other settings: {', '.join(told)}", error=True)
    save(settings, out / CONFIG)


def begin_anew(settings: Settings, out: Path, why: Sequence[str]) -> None:
    """Set aside what is in ``out`` until the new is whole, save the settings there, and say why."""
    aside = earlier.set_aside(out, settings.makes)
    save(settings, out / CONFIG)
    say(f"{out} is made anew: {', '.join(why)}; until that is whole, {aside} has what was there", error=True)


def changes(
    settings: Settings, out: Path, ignored: Collection[str], only: Collection[str] | None = None
) -> list[str]:
    """The settings that differ from those of the results in ``out``: ``key (old → new)``; paths by where they lead."""
    path = out / CONFIG
    if not path.exists():
        return []
    try:
        before = load(type(settings), path).model_dump(mode="json")
    except ConfigError as error:
        return [] if only is not None else [f"its own cannot be read: {error}"]
    then, now = _flat(before), _flat(settings.model_dump(mode="json"))
    keys = [
        key
        for key in {**now, **then}
        if not _among(key, ignored)
        and key.rpartition(".")[2] not in _NOT_OF_RESULTS
        and (only is None or _among(key, only))
    ]
    return [
        f"{key} ({shown(then.get(key))} → {shown(now.get(key))})"
        for key in keys
        if not _same(then.get(key), now.get(key), _value(settings, key))
    ]


def _among(key: str, names: Collection[str]) -> bool:
    """Whether a key, which is ``group.key`` in a group, or a group that it is in, is one of ``names``."""
    parts = key.split(".")
    return any(".".join(parts[:end]) in names for end in range(1, len(parts) + 1))


def _value(settings: Settings, key: str) -> Any:
    """The setting of a key, which is ``group.key`` in a group; None if there is none."""
    value: Any = settings
    for name in key.split("."):
        value = getattr(value, name, None)
    return value


def _same(before: Any, now: Any, value: Any) -> bool:
    """Whether a setting of this ``value`` is as it was; see :func:`_leads_there` for a path, or a list of them."""
    if before == now:
        return True
    paths = value if isinstance(value, list) else [value]
    old, new = (one if isinstance(one, list) else [one] for one in (before, now))
    if not paths or not all(isinstance(path, Path) for path in paths) or None in old or len(old) != len(new):
        return False
    return all(_leads_there(Path(one), Path(other)) for one, other in zip(old, new, strict=True))


def _leads_there(old: Path, new: Path) -> bool:
    """Whether two paths lead to the same, or the first one's end has been moved to the second."""
    return old.resolve() == new.resolve() or (old.name == new.name and not old.exists())


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
