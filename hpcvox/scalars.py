"""Reads values of YAML and of the command line according to the type of their setting.

YAML alone reads ``No`` as false, ``0010`` as 8, ``12:30`` as 750 and ``1.10`` as 1.1.  This module keeps a value as
the user wrote it until it knows the type of the setting: text stays text, and numbers are decimal.
"""

import math
import re
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

from hpcvox.errors import ConfigError

NULL: Final = "null"
"""The only word that means no value for a setting that may be text."""

MAX_DEPTH: Final = 32
"""How deep lists and groups may be nested; settings need five levels."""

_TAG: Final = "tag:yaml.org,2002:"
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_PLAIN_INTEGER: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")


class NotANumberError(ConfigError):
    """The user wrote a number of the setting ``key`` in an ambiguous or invalid way."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key


class Plain(str):
    """A scalar without quotes, exactly as written; ``tag`` is the type that YAML would give it."""

    tag: str

    def __new__(cls, text: str, tag: str) -> "Plain":
        made = super().__new__(cls, text)
        made.tag = tag.removeprefix(_TAG)
        return made


class Word(str):
    """The text after the = of ``key=value`` on the command line, not parsed yet."""


class AsWritten:
    """Marks a setting of type ``Any`` that gets its type later: all but plain numbers, true, false, null stays text."""


class _Bounded(yaml.SafeLoader):
    """YAML's safe loader without aliases, by which a short file could expand into a huge one, and of limited depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Build the next node.

        Raises:
            yaml.YAMLError: the node is an alias, or is nested too deep.
        """
        if self.check_event(yaml.AliasEvent):
            event = self.current_event
            raise ComposerError(
                None,
                None,
                f"an alias (*{event.anchor}) is not allowed here: write the value again",
                event.start_mark,
            )
        if self.depth == MAX_DEPTH:
            problem = f"lists and groups are nested more than {MAX_DEPTH} deep"
            raise ComposerError(None, None, problem, self.current_event.start_mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Loader(_Bounded):
    """Keeps scalars as written.  It is a class of its own, because other code uses SafeLoader, too."""


def _scalar(loader: _Loader, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        kind = "list" if isinstance(node, yaml.SequenceNode) else "group"
        raise ConstructorError(None, None, f"a {kind} is no {node.tag.removeprefix(_TAG)}", node.start_mark)
    return node.value if node.style else Plain(node.value, node.tag)


for _name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge"):
    _Loader.add_constructor(_TAG + _name, _scalar)


def parse(text: str) -> Any:
    """Parse YAML into mappings, lists, text (if quoted) and :class:`Plain` scalars (if not).

    Raises:
        yaml.YAMLError: the text is not valid YAML.
    """
    return yaml.load(text, _Loader)  # noqa: S506 # a safe loader


def plain(text: str) -> Any:
    """Parse YAML as ``yaml.safe_load`` does, but without aliases and with limited depth, like :func:`parse`.

    Raises:
        yaml.YAMLError: the text is not valid YAML.
    """
    return yaml.load(text, _Bounded)  # noqa: S506 # a safe loader


def told(error: yaml.YAMLError) -> str:
    """The message of ``error`` on one line, with its place in the text."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark, said = error.problem_mark, ", ".join(filter(None, (error.context, error.problem)))
        return f"{said} (line {mark.line + 1}, column {mark.column + 1})"
    return " ".join(str(error).split())


class _Dumper(yaml.SafeDumper):
    """YAML's safe dumper; it also quotes text that other YAML parsers read as a number (1e3, 08)."""


def _shown(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TAG + "str", text, style="'" if _FLOAT.fullmatch(text) else None)


_Dumper.add_representer(str, _shown)


def written(tree: Any) -> str:
    """``tree`` as YAML text, which :func:`parse` and every other YAML parser read as the same tree."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def line(key: str, value: Any) -> str:
    """``key: value`` as YAML on one line."""
    pair = yaml.dump(
        {key: value},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=True,
        width=math.inf,
    )
    return pair.strip()[1:-1]


def parsed(word: Word, key: str = "") -> Any:
    """:func:`parse` a word of the command line; errors name ``key``.

    Raises:
        ConfigError: the word is not valid YAML.
    """
    try:
        return parse(word)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"on the command line: {key}={word[:200]}: the value is not valid YAML: {told(error)}"
        ) from None


def meant(value: Any, annotation: Any, key: str = "") -> Any:
    """Convert a parsed ``value`` for a setting of type ``annotation``; pydantic checks the result afterwards.

    A value that was not written as text (from JSON or Python) is returned unchanged.

    Raises:
        NotANumberError: a number is written in an ambiguous way; the message names ``key``.
        ConfigError: a :class:`Word` for a type other than text is not valid YAML.
    """
    kinds, as_written = _kinds(annotation)
    if isinstance(value, Word):
        if str in kinds or Path in kinds:
            return _text(_unquoted(value), kinds)
        value = parsed(value, key)
        if (
            isinstance(value, str)
            and value != NULL
            and any(get_origin(kind) in (list, tuple) for kind in kinds)
        ):
            value = _listed(value)
    if isinstance(value, Plain):
        return _scalar_of(value, kinds, as_written, key)
    if isinstance(value, Mapping):
        return _mapping(value, kinds, as_written, key)
    if isinstance(value, list):
        return [
            meant(one, _item(kinds, place, as_written), f"{key}.{place}") for place, one in enumerate(value)
        ]
    return value


def _listed(text: str) -> list[Any]:
    """Read a word as a list: ``energy`` as ``[energy]``, ``energy, gap`` as ``[energy, gap]``."""
    if not isinstance(text, Plain):
        return [text]
    parts = [parse(part) for part in text.split(",")]
    return [part if isinstance(part, Plain) else Plain(str(part), "str") for part in parts]


def _kinds(annotation: Any) -> tuple[list[Any], bool]:
    """The types of a union, and whether one of them is marked :class:`AsWritten`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        kinds, as_written = _kinds(inner)
        return kinds, as_written or AsWritten in marks
    if origin in (Union, types.UnionType):
        found = [_kinds(one) for one in get_args(annotation)]
        return [kind for kinds, _ in found for kind in kinds], any(mark for _, mark in found)
    return [annotation], False


def _unquoted(word: Word) -> str:
    """The word, without the quotes around it if it has any."""
    try:
        node = yaml.compose(word, _Loader)
    except yaml.YAMLError:
        return str(word)
    if isinstance(node, yaml.ScalarNode) and node.style in ("'", '"'):
        return str(node.value)
    return Plain(word, "str")


def _text(text: str, kinds: Sequence[Any]) -> str | None:
    """The text; None if it is ``null`` or empty, without quotes, and the type allows None."""
    if isinstance(text, Plain) and (text == "" or (text == NULL and type(None) in kinds)):
        return None
    return str(text)


def _scalar_of(value: Plain, kinds: Sequence[Any], as_written: bool, key: str) -> Any:
    text = str(value)
    if str in kinds or Path in kinds:
        return _text(value, kinds)
    if any(get_origin(kind) is Literal and text in get_args(kind) for kind in kinds):
        return text
    if as_written:
        number = value.tag == "float" and _FLOAT.fullmatch(text)
        plain = _PLAIN_INTEGER.fullmatch(text) or (
            number and ("e" in text.lower() or repr(float(text)) == text)
        )
        return _as_yaml(value, key) if plain or text in ("true", "false", NULL, "") else text
    if int in kinds or float in kinds:
        return _number(value, key)
    if value.tag == "timestamp" or (value.tag == "int" and not _PLAIN_INTEGER.fullmatch(text)):
        return text
    return _as_yaml(value, key)


def _number(value: Plain, key: str) -> Any:
    """The decimal number that ``value`` is; if it is none, what YAML reads, which pydantic then refuses or takes."""
    if _INTEGER.fullmatch(value):
        return _whole(value, key)
    if _FLOAT.fullmatch(value):
        return float(value)
    if value.tag in ("int", "float") and not value.lower().endswith((".inf", ".nan")):
        raise NotANumberError(key, f"{str(value)!r} is no decimal number: write it as 1000, -0.5 or 1e-3")
    if "_" in value and _FLOAT.fullmatch(value.replace("_", "")):
        raise NotANumberError(key, f"{str(value)!r} is no number: write it without underscores")
    return str(value) if value.tag == "bool" else _as_yaml(value, key)


def _whole(value: Plain, key: str) -> int:
    try:
        return int(value)
    except ValueError:  # Python converts only so many digits
        raise NotANumberError(key, f"a number of {len(value)} digits is too long") from None


def _as_yaml(value: Plain, key: str) -> Any:
    if value.tag in ("str", "value", "merge"):
        return str(value)
    if _INTEGER.fullmatch(value):
        return _whole(value, key)
    try:
        return yaml.safe_load(value)
    except ValueError:  # YAML takes it for a date or a number, but there is none such (2024-13-45)
        raise NotANumberError(key, f"{str(value)[:40]!r} has no value") from None


def _mapping(value: Mapping[Any, Any], kinds: Sequence[Any], as_written: bool, key: str) -> dict[Any, Any]:
    models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
    values = next((get_args(kind)[1] for kind in kinds if get_origin(kind) is dict), _untyped(as_written))
    out = {}
    for name, one in value.items():
        field = models[0].model_fields.get(name) if models else None
        annotation = values
        if models:
            annotation = Any if field is None else field.annotation
        plain = str(name) if isinstance(name, Plain) else name
        out[plain] = meant(one, annotation, f"{key}.{plain}" if key else str(plain))
    return out


def _item(kinds: Sequence[Any], place: int, as_written: bool) -> Any:
    for kind in kinds:
        if get_origin(kind) in (list, tuple):
            items = get_args(kind)
            return items[0] if len(items) == 1 or items[1] is ... else items[min(place, len(items) - 1)]
    return _untyped(as_written)


def _untyped(as_written: bool) -> Any:
    return Annotated[Any, AsWritten] if as_written else Any
