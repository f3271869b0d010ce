"""The ``hpcvox`` command: it reads a config, calls one function, and prints what that wrote and where."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from hpcvox import __version__, compiled, config, defaults, inputs
from hpcvox.cli import checking, completion, explain, typed
from hpcvox.cli.verbs import GROUPS, OTHERS, TRAIN, VERBS, FolderVerb, Verb, every, load, training
from hpcvox.errors import HpcvoxError, did_you_mean
from hpcvox.process.ending import leave
from hpcvox.process.launcher import launched_ranks
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS, INTERRUPTED, Outcome
from hpcvox.terminal import counted, say
from hpcvox.training.network import find, known

HELP = (*typed.HELP, "help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in HELP:  # `help featurize` is `featurize --help`
        given = [*given[1:], "--help"] if given[1:] else []
    if not given:
        say(explain.overview())
        return 0
    if given[0] == "--version":
        say(f"hpcvox {__version__}")
        return 0
    try:
        _refuse_no_text(given)
        outcome = _dispatch(given[0], given[1:])
    except HpcvoxError as error:
        say(f"hpcvox {given[0]}: error: {error}", error=True)
        return error.exit_status
    except KeyboardInterrupt:
        say(f"hpcvox {given[0]}: interrupted: run the same command again to go on", error=True)
        return INTERRUPTED
    if outcome is None:
        return 0
    if outcome.summary:
        say(outcome.summary)
    return outcome.exit_status


def console() -> NoReturn:
    """The ``hpcvox`` command: run one verb and end the process with its exit status."""
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the program that reads our output has stopped reading (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + signal.SIGPIPE
    leave(status)


def job(verb: str) -> int:
    """Run ``verb`` with the arguments of the command line and return its exit status; ``jobs/*.py`` call this.

    Ray counts every exit status but 0 as a failure.  So a job that Ray runs ends with 0 even if it rejected inputs.
    Such a job has Ray's environment variable, or its script lies in the home folder, where ``ray submit`` copies it.
    """
    # Python searches the script's own folder first: `import statistics` in a library would find jobs/statistics.py
    folder = Path(sys.argv[0]).resolve().parent
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != folder]
    status = main([verb, *sys.argv[1:]])
    by_ray = "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ or Path(sys.argv[0]).parent == Path.home()
    return COMPLETE if by_ray and status == COMPLETE_WITH_REJECTS else status


def _refuse_no_text(words: Sequence[str]) -> None:
    """Raise :class:`HpcvoxError` if the locale cannot decode or encode a word, for libraries would fail on it later."""
    encoding = sys.getfilesystemencoding()
    for word in words:
        if encoding != "utf-8" and word.encode(encoding, "ignore").decode(encoding) != word:
            raise HpcvoxError(f"{word!r} is no text in this locale ({encoding}): set LC_ALL=C.UTF-8")


def _paths(values: object) -> list[str]:
    """The paths among the ``values`` of settings, which a config in UTF-8 may have given."""
    if isinstance(values, dict | list):
        parts = values.values() if isinstance(values, dict) else values
        return [path for part in parts for path in _paths(part)]
    return [str(values)] if isinstance(values, Path) else []


def _verb_first(name: str, rest: list[str]) -> list[str]:
    """Put the verb of a verb first: ``pipeline CONFIG --plan`` is ``pipeline plan CONFIG``."""
    for place, word in enumerate(rest):
        if word.startswith("--") and word[2:] in GROUPS.get(name, ()):
            return [word[2:], *rest[:place], *rest[place + 1 :]]
    return rest


def _dispatch(name: str, rest: list[str]) -> Outcome | None:
    if name in OTHERS and set(HELP) & set(rest):
        say(f"hpcvox {name}: {OTHERS[name]}")
        return None
    if name == "check":
        checking.check(rest, {name: verb.settings for name, verb in every().items()})
        return None
    if name == "completion":
        return completion.run(rest)
    rest = _verb_first(name, rest)
    if name in GROUPS and (name not in VERBS or (rest and rest[0] in GROUPS[name])):
        return _grouped(name, rest)
    if name in GROUPS and rest and not typed.is_setting(rest[0]):
        _refuse_nearly(name, rest[0])
    if name == TRAIN:
        if not rest or "=" in rest[0] or rest[0].startswith("-"):
            raise HpcvoxError(
                f"usage: hpcvox {TRAIN} NETWORK [CONFIG.yaml] [key=value ...]; NETWORK: {', '.join(known())}"
            )
        return _configured(f"{TRAIN} {rest[0]}", training(find(rest[0])), rest[1:])
    if name not in (verbs := every(name)):
        valid = list(dict.fromkeys([*verbs, *GROUPS, *OTHERS]))
        if "=" in name or name.startswith("-") or Path(name).exists():
            raise HpcvoxError(f"a verb comes first: hpcvox VERB {name}; VERB: {', '.join(valid)}")
        raise HpcvoxError(f"no such verb; {did_you_mean(name, valid)}valid: {', '.join(valid)}")
    return _configured(name, verbs[name], rest)


def _refuse_nearly(group: str, word: str) -> None:
    """Raise :class:`HpcvoxError` if ``word`` is close to a verb of ``group`` (``study tabel``), but is none."""
    if near := did_you_mean(word, GROUPS[group]):
        raise HpcvoxError(f"there is no `{group} {word}`: {near}give one of {', '.join(GROUPS[group])}")


def _configured(name: str, verb: Verb, rest: list[str]) -> Outcome | None:
    kind = load(verb.settings)
    given = typed.read(rest, kind)
    settings = config.load(kind, given.config, given.overrides)
    if given.help or given.defaults:
        say(explain.of_verb(name, verb, settings) if given.help else defaults.text(settings).rstrip("\n"))
        return None
    _refuse_no_text(_paths(settings.model_dump()))
    if (
        launched_ranks() == 1
    ):  # several ranks check their inputs together, so that only one prints what is missing
        inputs.require(settings)
    compiled.require()
    signal.signal(signal.SIGTERM, _interrupt)
    outcome: Outcome = load(verb.function)(settings)
    return outcome


def _grouped(group: str, rest: list[str]) -> Outcome | None:
    verbs, asked = GROUPS[group], bool(set(HELP) & set(rest))
    verb = verbs.get(rest[0]) if rest else None
    if verb is None:
        say("usage:\n" + explain.usages(group))
        if asked:
            return None
        wrong = f"there is no `{group} {rest[0]}`: {did_you_mean(rest[0], verbs)}" if rest else ""
        raise HpcvoxError(f"{wrong}give one of {', '.join(verbs)}")
    if isinstance(verb, Verb):
        return _configured(f"{group} {rest[0]}", verb, rest[1:])
    if asked:
        _explain_folder_verb(group, rest[0], verb)
        return None
    return _of_folders(group, rest[0], verb, rest[1:])


def _explain_folder_verb(group: str, name: str, verb: FolderVerb) -> None:
    lines = [f"usage: {explain.usage(group, name)}", "", verb.help]
    lines += ["", verb.more] if verb.more else []
    if verb.settings:
        kind = load(verb.settings)
        lines += ["", "settings:", *defaults.listed(kind())]
    say("\n".join(lines))


def _of_folders(group: str, name: str, verb: FolderVerb, given: list[str]) -> Outcome:
    """Run a verb whose arguments are paths, with settings after these if it has any."""
    usage = f"usage: {explain.usage(group, name)}"
    kind = load(verb.settings) if verb.settings else None
    wanted = [argument for argument in verb.arguments if argument != "..."]
    overrides: list[str] = []
    if kind is not None:
        given, overrides = given[: len(wanted)], given[len(wanted) :]
    endless = len(wanted) < len(verb.arguments)
    if len(given) < len(wanted) or (len(given) > len(wanted) and not endless):
        raise HpcvoxError(f"{counted(len(given), 'argument')} after `{group} {name}`; {usage}")
    if options := [text for text in given if text.startswith("-") or not text]:
        raise HpcvoxError(f"{options[0]!r} is no path; {usage}")
    compiled.require()
    signal.signal(signal.SIGTERM, _interrupt)
    settings = [] if kind is None else [config.load(kind, None, typed.read(overrides, kind).overrides)]
    outcome: Outcome = load(verb.function)(*map(Path, given), *settings)
    return outcome


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
