"""``hpcvox check``: validate the settings of jobs before these are submitted to a queue."""

from collections.abc import Mapping, Sequence

from hpcvox import config
from hpcvox.cli import typed
from hpcvox.cli.verbs import load
from hpcvox.errors import ConfigError, HpcvoxError, did_you_mean

BETWEEN = "--"
"""Separates the jobs that one call checks."""

USAGE = "usage: hpcvox check [NAME:]VERB [CONFIG.yaml] [key=value ...] [-- [NAME:]VERB ...]"


def check(arguments: Sequence[str], settings: Mapping[str, str]) -> None:
    """Validate the settings of every job that ``arguments`` name.

    Args:
        arguments: ``[NAME:]VERB [CONFIG.yaml] [key=value ...]`` of each job, with ``--`` between jobs.
        settings: for each verb, where its settings class is (``package.module:NAME``).

    Raises:
        ConfigError: the settings of a job are not valid; the message has one line for each such job.
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
    """The job's name and what is wrong with its settings; an empty text if they are valid."""
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
