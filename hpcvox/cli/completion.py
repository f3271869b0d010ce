"""``hpcvox completion``: the tab key completes verbs, keys, and the values of keys with few values.

``hpcvox completion bash`` (or ``zsh``, ``fish``) prints a script for that shell.  At each tab the script asks
``hpcvox completion words …``, so it offers what the installed version knows.  The shell itself completes paths.
"""

import types
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, Union, get_args, get_origin

from hpcvox import config
from hpcvox.cli.named import names
from hpcvox.cli.verbs import GROUPS, OTHERS, TRAIN, VERBS, Verb, every, load
from hpcvox.config import Settings
from hpcvox.errors import HpcvoxError, did_you_mean
from hpcvox.process.outcome import Outcome
from hpcvox.training.network import known

SCRIPTS: Final = {
    "bash": """\
_hpcvox() {
    local cur=${COMP_LINE:0:COMP_POINT} words
    read -ra words <<< "$cur"
    if [[ $cur == *' ' ]]; then words+=(''); fi
    local last=${words[-1]} line
    COMPREPLY=()
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(hpcvox completion words "${words[@]:1}" 2>/dev/null)
    # readline treats the text after the last = or : as a separate word
    if [[ $COMP_WORDBREAKS == *=* && $last == *=* ]]; then COMPREPLY=("${COMPREPLY[@]#"${last%"${last##*=}"}"}"); fi
    if [[ ${#COMPREPLY[@]} = 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
    if [[ ${#COMPREPLY[@]} = 0 ]]; then
        compopt -o filenames
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "${last##*=}")
    fi
}
complete -F _hpcvox hpcvox
""",
    "zsh": """\
#compdef hpcvox
_hpcvox() {
    local -a found
    found=(${(f)"$(hpcvox completion words "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( ${#found} )); then
        local -a keys=(${(M)found:#*=}) others=(${found:#*=})
        compadd -S '' -a keys
        compadd -a others
    else
        compset -P '*='
        _files
    fi
}
compdef _hpcvox hpcvox
""",
    "fish": """\
function __hpcvox_words
    set -l words (commandline -opc) (commandline -ct)
    hpcvox completion words $words[2..-1] 2>/dev/null
end
complete -c hpcvox -a '(__hpcvox_words)'
""",
}

HOW: Final = {
    "bash": 'eval "$(hpcvox completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(hpcvox completion zsh)" in ~/.zshrc, after compinit',
    "fish": "hpcvox completion fish > ~/.config/fish/completions/hpcvox.fish",
}


def run(given: Sequence[str]) -> Outcome:
    """Return the completion script of a shell; after ``words``, the completions of the last word that was typed.

    Raises:
        HpcvoxError: the shell is missing or unknown.
    """
    if given and given[0] == "words":
        return Outcome("\n".join(words(given[1:])))
    if len(given) == 1 and given[0] in SCRIPTS:
        return Outcome(SCRIPTS[given[0]])
    near = did_you_mean(given[0], SCRIPTS) if given else ""
    raise HpcvoxError(f"{near}name your shell: {'; '.join(HOW.values())}")


def words(typed: Sequence[str]) -> list[str]:
    """The completions of the last word after ``hpcvox``, sorted; a key ends in ``=``."""
    *before, last = typed or [""]
    if not before:
        return _beginning(last, [*every(), *GROUPS, TRAIN, *OTHERS, "help", "--version"])
    if before == ["help"]:
        return _beginning(last, [*every(), *GROUPS])
    if before == ["completion"]:
        return _beginning(last, SCRIPTS)
    if before == ["check"]:
        return _beginning(last, every())
    if before == [TRAIN]:
        return _beginning(last, known())
    inner = list(GROUPS.get(before[0], ())) if len(before) == 1 else []
    kind = _settings(before[1:] if before[0] == "check" else before)
    if kind is None:
        return _beginning(last, inner)
    key, equals, _ = last.partition("=")
    if equals:
        field = config.keys(kind).get(key)
        values = [*kind.kinds().get(key, () if field is None else _values(field.annotation))]
        words_before = before[2:] if before[0] in ("check", TRAIN) else before[1:]
        named = names(key, words_before, kind) if field is not None else []
        start = last[: max(map(last.rfind, "[,=")) + 1]  # of a list the item that is being typed
        return _beginning(last, [*(f"{key}={value}" for value in values), *(start + name for name in named)])
    given = {word.partition("=")[0] for word in before}
    keyless = [value for values in kind.words().values() for value in values]
    return _beginning(
        last, [*inner, *keyless, *(f"{name}=" for name in config.keys(kind) if name not in given)]
    )


def _beginning(start: str, choices: Iterable[str]) -> list[str]:
    return sorted({one for one in choices if one.startswith(start)})


def _settings(before: Sequence[str]) -> type[Settings] | None:
    """The settings class of the verb in ``before``; None if there is no such verb or it has no settings."""
    if before[0] in GROUPS and len(before) > 1 and before[1] in GROUPS[before[0]]:
        verb = GROUPS[before[0]][before[1]]
        place = verb.settings
    elif before[0] == TRAIN and before[1] in known():
        place = known()[before[1]].settings
    else:
        named: Verb | None = (
            every(before[0]).get(before[0]) if before[0] not in GROUPS else VERBS.get(before[0])
        )
        place = "" if named is None else named.settings
    if not place:
        return None
    kind: type[Settings] = load(place)
    return kind.variant(dict(word.split("=", 1) for word in before if "=" in word))


def _values(annotation: Any) -> list[str]:
    """The values of a type that has few (a choice, a switch); empty for other types."""
    origin = get_origin(annotation)
    if origin is Literal:
        return [str(one) for one in get_args(annotation)]
    if origin in (Union, types.UnionType):
        return [value for one in get_args(annotation) for value in _values(one)]
    return {bool: ["false", "true"], types.NoneType: [config.NULL]}.get(annotation, [])
