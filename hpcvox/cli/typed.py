"""Reads the words after a verb: a config, ``key=value`` settings, and other ways in which people write these.

``--key value`` and ``key = value`` mean ``key=value``.  A file or folder without a key is the ``source``, if the verb
has that setting; some verbs have further values that need no key (:meth:`hpcvox.config.Settings.words`).
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, get_origin

from hpcvox import config, defaults
from hpcvox.config import Settings
from hpcvox.errors import ConfigError, did_you_mean

HELP: Final = ("-h", "--help")
CONFIGS: Final = (".yaml", ".yml")

_OPTION: Final = re.compile(r"--?(?P<key>[A-Za-z][\w.-]*)(?P<value>=.*)?", re.DOTALL)
_INPUTS: Final = ("source", "shards", "generated", "vae", "run")
"""Settings that name what a verb works on; an error proposes the first of these that the verb has."""


class Typed(NamedTuple):
    """The words after a verb, sorted by what they are."""

    config: Path | None
    overrides: list[str]
    """``key=value``, in the order in which they were typed."""
    help: bool
    defaults: bool
    """Whether ``--defaults`` was typed: print the settings as a config."""


def read(words: Sequence[str], kind: type[Settings]) -> Typed:
    """Sort ``words``, which follow a verb whose settings class is ``kind``.

    Raises:
        ConfigError: a word is neither a config nor a setting.
    """
    path: Path | None = None
    overrides: list[str] = []
    keyless: dict[str, list[str]] = {}
    asked = bool(set(HELP) & set(words))
    written = defaults.FLAG in words
    for word in _joined([word for word in words if word not in (*HELP, defaults.FLAG)], kind):
        if "=" in word:
            overrides.append(word)
        elif word == "help" and not Path(word).exists():
            asked = True
        elif (key := _key_of(word, kind)) is not None:
            keyless.setdefault(key, []).append(word)
        elif _is_source(word, kind):
            overrides.append(f"source={word}")
        elif path is not None:
            raise ConfigError(f"{path} and {word}: give one config, and settings as key=value")
        else:
            path = _config(word, kind)
    overrides += [f"{key}={_valued(key, values, kind)}" for key, values in keyless.items()]
    return Typed(path, overrides, asked, written)


def _key_of(word: str, kind: type[Settings]) -> str | None:
    """The setting that has ``word`` as one of the values that need no key; None if none has."""
    return next((key for key, values in kind.words().items() if word in values), None)


def _valued(key: str, values: Sequence[str], kind: type[Settings]) -> str:
    """The value of a setting from words without a key: a list of them, or the only one.

    Raises:
        ConfigError: there are several, and the setting has one value.
    """
    if get_origin(config.keys(kind)[key].annotation) is list:
        return f"[{', '.join(values)}]"
    if len(values) > 1:
        raise ConfigError(f"{' and '.join(values)}: give one {key}")
    return values[0]


def is_setting(word: str) -> bool:
    """Whether a word looks like a setting or a config, or is an existing path."""
    return "=" in word or word.startswith("-") or word.endswith(CONFIGS) or Path(word).exists()


def _joined(words: Sequence[str], kind: type[Settings]) -> Iterator[str]:
    """``words`` with each setting as one word ``key=value``, however it was typed."""
    rest = deque(words)
    while rest:
        word = rest.popleft()
        option = _OPTION.fullmatch(word)
        if option is not None:
            yield _option(option, rest, kind)
        elif word.startswith("-"):
            raise ConfigError(f"{word!r} is no setting: write key=value")
        elif rest and rest[0].startswith("=") and "=" not in word:
            value = rest.popleft()
            if value == "=" and rest:
                value += rest.popleft()
            yield word + value
        elif word.endswith("=") and word.count("=") == 1 and rest and _is_value(rest[0]):
            yield word + rest.popleft()
        else:
            yield word


def _option(option: re.Match[str], rest: deque[str], kind: type[Settings]) -> str:
    """Turn ``--key=value``, or ``--key`` and the next word of ``rest``, into ``key=value``."""
    key = option["key"].replace("-", "_")
    if option["value"]:
        return key + option["value"]
    if config.is_switch(kind, key) and not (rest and rest[0] in ("true", "false")):
        return f"{key}=true"
    if not rest or rest[0].startswith("--"):
        near = "" if key in config.keys(kind) else did_you_mean(key, config.keys(kind))
        raise ConfigError(f"{option[0]} has no value: {near}write {key}=VALUE")
    return f"{key}={rest.popleft()}"


def _is_value(word: str) -> bool:
    return "=" not in word and not word.startswith("--") and not word.endswith(CONFIGS)


def _is_source(word: str, kind: type[Settings]) -> bool:
    """Whether a word without a key names the ``source``: it is, or looks like, a file or folder."""
    if "source" not in kind.model_fields or word.endswith(CONFIGS):
        return False
    return Path(word).exists() or "/" in word or Path(word).suffix != ""


def _config(word: str, kind: type[Settings]) -> Path:
    """The path of the config, from a word that is neither a setting nor a source.

    Raises:
        ConfigError: the word is no config; the message says what to write.
    """
    path = Path(word)
    if word.endswith(CONFIGS) or path.is_file():
        return path
    if word in kind.model_fields:
        raise ConfigError(f"{word} has no value: write {word}=VALUE")
    key = next((name for name in _INPUTS if name in kind.model_fields), None)
    values = [value for valid in kind.words().values() for value in valid]
    near = "" if key and "/" in word else did_you_mean(word, [*values, *kind.model_fields])
    such = f", such as {key}={word}" if key and not near else ""
    if values:
        raise ConfigError(f"{word!r} is none of {', '.join(values)}, and no setting: {near}write key=value")
    raise ConfigError(f"{word!r} is no config (a file NAME.yaml) and no setting: {near}write key=value{such}")
