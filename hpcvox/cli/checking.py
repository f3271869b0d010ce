"""``check``: whether settings are valid, before anything waits in a queue with them."""

from collections.abc import Mapping, Sequence

from hpcvox import config
from hpcvox.cli import typed
from hpcvox.cli.verbs import load
from hpcvox.errors import ConfigError, HpcvoxError, did_you_mean

BETWEEN = "--"
"""Stands between the jobs that are checked at once."""

USAGE = "usage: hpcvox check [NAME:]VERB [CONFIG.yaml] [key=value ...] [-- [NAME:]VERB ...]"


def check(arguments: Sequence[str], settings: Mapping[str, str]) -> None:
    """See that the settings of each job are valid; ``settings`` has the place of the class of each verb.

    Raises:
        ConfigError: some are not; all that is wrong is told, a line a job.
    """
    jobs: list[list[str]] = [[]]
    for argument in arguments:
        if argument == BETWEEN:
            jobs.append([])
        else:
            jobs[-1].append(argument)
    wrong = [problem for job in jobs if (problem := _problem(job, settings))]
    if wrong:
        raise ConfigError("\n".join(wrong))


def _problem(job: list[str], settings: Mapping[str, str]) -> str:
    """What is wrong with the settings of a job, after its name; nothing where they are valid."""
    if not job:
        return f"no verb; {USAGE}"
    name, _, verb = job[0].rpartition(":")
    if verb not in settings:
        return f"{job[0]}: no such verb; {did_you_mean(verb, settings)}valid: {', '.join(settings)}"
    try:
        kind = load(settings[verb])
        given = typed.read(job[1:], kind)
        config.load(kind, given.config, given.overrides)
    except HpcvoxError as error:
        return f"{name or verb}: {error}"
    return ""
