"""The ``hpcvox`` command: read a config, call one function, print what was written where."""

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from hpcvox import __version__, checking, compiled, config, defaults
from hpcvox.errors import HpcvoxError
from hpcvox.process.ending import leave
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS, INTERRUPTED, Outcome
from hpcvox.terminal import say
from hpcvox.training.network import Network, find, known, ours


class Verb(NamedTuple):
    """A job: where its settings and its function are (loaded when it is called), and what it does."""

    settings: str
    function: str
    help: str


def _training(network: Network) -> Verb:
    return Verb(network.settings, "hpcvox.training.job:run", network.help)


VERBS = {
    "fetch": Verb(
        "hpcvox.fetch.settings:FetchSettings",
        "hpcvox.fetch.job:run",
        "crystals from a database on the network",
    ),
    "pipeline": Verb(
        "hpcvox.pipeline.settings:PipelineSettings",
        "hpcvox.pipeline.job:run",
        "all of the jobs below, from crystals to report",
    ),
    "database": Verb(
        "hpcvox.database.settings:DatabaseSettings",
        "hpcvox.database.job:run",
        "built-in crystals, with energies",
    ),
    "elements": Verb(
        "hpcvox.database.elements:ElementsSettings",
        "hpcvox.database.elements:run",
        "built-in elemental solids of seven classes",
    ),
    "dft": Verb(
        "hpcvox.dft.settings:DftSettings",
        "hpcvox.dft.job:run",
        "crystals → densities and energies, by GPAW",
    ),
    "featurize": Verb(
        "hpcvox.featurize.settings:FeaturizeSettings",
        "hpcvox.featurize.job:run",
        "crystals → voxels in shards",
    ),
    "statistics": Verb(
        "hpcvox.statistics.settings:StatisticsSettings",
        "hpcvox.statistics.job:run",
        "shards → means, deciles, class weights, by MPI ranks",
    ),
    **{one.verb: _training(one) for one in ours().values()},
    "study": Verb(
        "hpcvox.studies.settings:StudySettings",
        "hpcvox.studies.worker:run",
        "trainings with settings from a space, by Optuna",
    ),
    "generate": Verb(
        "hpcvox.generation.settings:GenerateSettings",
        "hpcvox.generation.job:run",
        "latent → new crystals as CIFs",
    ),
    "judge": Verb(
        "hpcvox.generation.settings:JudgeSettings",
        "hpcvox.generation.judging.job:run",
        "candidates → those that are plausible, distinct and new",
    ),
    "relax": Verb(
        "hpcvox.relaxation.settings:RelaxSettings",
        "hpcvox.relaxation.job:run",
        "crystals → relaxed, by CHGNet, GPAW or any ASE calculator",
    ),
    "screen": Verb(
        "hpcvox.screening.settings:ScreenSettings",
        "hpcvox.screening.job:run",
        "crystals → properties, and those that have the wanted ones",
    ),
    "evaluate": Verb(
        "hpcvox.experiments.settings:EvaluateSettings",
        "hpcvox.experiments.court:run",
        "errors on held-out crystals",
    ),
    "evaluate-fingerprint": Verb(
        "hpcvox.experiments.settings:EvaluateFingerprintSettings",
        "hpcvox.experiments.ziletti:run",
        "classes of crystals with defects, by network and symmetry",
    ),
    "report": Verb(
        "hpcvox.report.settings:ReportSettings", "hpcvox.report.job:run", "one HTML file about it all"
    ),
}


class FolderVerb(NamedTuple):
    """Something to do with what jobs have made: its function takes the arguments as paths (``...``: one or more)."""

    function: str
    arguments: tuple[str, ...]
    help: str
    more: str = ""
    settings: str = ""
    """Where the class is whose settings may follow the arguments, as ``key=value``."""


SHARD_VERBS: dict[str, FolderVerb | Verb] = {
    "info": FolderVerb("hpcvox.shards.inspect:info", ("FOLDER",), "what a shard set holds"),
    "verify": FolderVerb(
        "hpcvox.shards.inspect:verify",
        ("FOLDER",),
        "recompute every checksum; name what is damaged",
        "Reads every byte.  Exit status 1 where something is damaged; the featurize job, run again, rebuilds\n"
        "the damaged shards alone.",
    ),
    "merge": FolderVerb(
        "hpcvox.shards.merge:merge",
        ("OUT", "SET", "..."),
        "one shard set from several of the same settings",
        "OUT is a new folder; each SET a whole shard set.  Descriptor, grid, settings and version must be the\n"
        "same, and no id may occur twice.  The sets are left as they are.  Run it again after an interruption:\n"
        "it goes on where it was.",
    ),
    "export": FolderVerb(
        "hpcvox.featurize.export:export",
        ("SET", "OUT"),
        "the crystals of a shard set as extxyz, CSV, Parquet or npz",
        "OUT says the format: x.extxyz; x.csv, a table with a column of CIFs that `hpcvox featurize` reads;\n"
        "x.parquet; or a new folder (a name without suffix) of one .npz file a shard.  Crystals are written:\n"
        "id, formula, cell, sites, targets.  The arrays (density and so on) need no export: the shards are\n"
        "plain HDF5, and set.h5 beside them shows them as one file; see docs/shards.md.",
    ),
}

STUDY_VERBS: dict[str, FolderVerb | Verb] = {
    "prepare": Verb(
        "hpcvox.studies.settings:StudySettings",
        "hpcvox.studies.prepare:prepare",
        "write configs of the shard sets that the study lacks, for featurize",
    ),
    "best": FolderVerb("hpcvox.studies.reading:best", ("STUDY",), "the best trial and where its model is"),
    "table": FolderVerb("hpcvox.studies.reading:table", ("STUDY",), "all trials, also in trials.csv"),
    "plot": FolderVerb(
        "hpcvox.studies.reading:plot", ("STUDY",), "history, curves and slices, in study.html"
    ),
    "export": FolderVerb(
        "hpcvox.studies.reading:export",
        ("STUDY", "OUT"),
        "the best trial's model, card and settings in a new folder",
    ),
    "dashboard": FolderVerb(
        "hpcvox.studies.dashboard:dashboard",
        ("STUDY",),
        "Optuna's dashboard, on this machine alone",
        "Prints the address to open and, on a node of a cluster, the ssh command that brings it to your own\n"
        "machine.  It is there to look at, also while workers are at it, and ends with Ctrl-C.",
        "hpcvox.studies.settings:DashboardSettings",
    ),
}

TRAIN = "train"
"""Trains a network of another package: ``train package.module:NAME``."""

PIPELINE_VERBS: dict[str, FolderVerb | Verb] = {
    "plan": Verb(
        "hpcvox.pipeline.settings:PipelineSettings",
        "hpcvox.pipeline.plan:plan",
        "write the config of each step, and say what it waits for (slurm/pipeline.sh submits that)",
    )
}

GROUPS = {"shards": SHARD_VERBS, "study": STUDY_VERBS, "pipeline": PIPELINE_VERBS}
"""Verbs of verbs.  ``study`` and ``pipeline`` are verbs by themselves, too."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        say(_overview())
        return 0
    if given[0] == "--version":
        say(f"hpcvox {__version__}")
        return 0
    try:
        if given[0] == "check":
            checking.check(given[1:], {name: verb.settings for name, verb in _verbs("").items()})
            return 0
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
    except BrokenPipeError:  # who reads what is printed here has read enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 128 + signal.SIGPIPE
    leave(status)


def job(verb: str) -> int:
    """Run ``verb`` with the arguments of the command line, as the scripts of ``jobs/`` do; its exit status.

    Ray takes every status but 0 for a failure; to a job that it was given, rejects are none.
    ``ray submit`` copies its script into the home folder and runs it there.
    """
    # Python looks beside the script first: a library that wants its `statistics` would find the one of jobs/
    folder = Path(sys.argv[0]).resolve().parent
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != folder]
    status = main([verb, *sys.argv[1:]])
    by_ray = "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ or Path(sys.argv[0]).parent == Path.home()
    return COMPLETE if by_ray and status == COMPLETE_WITH_REJECTS else status


def _dispatch(name: str, rest: list[str]) -> Outcome | None:
    if name in GROUPS and (name not in VERBS or (rest and rest[0] in GROUPS[name])):
        return _grouped(name, rest)
    if name == TRAIN:
        if not rest or "=" in rest[0] or rest[0].startswith("-"):
            raise HpcvoxError(
                f"usage: hpcvox {TRAIN} NETWORK [CONFIG.yaml] [key=value ...]; NETWORK: {', '.join(known())}"
            )
        return _configured(f"{TRAIN} {rest[0]}", _training(find(rest[0])), rest[1:])
    if name not in (verbs := _verbs(name)):
        raise HpcvoxError(f"no such verb; valid: {', '.join(dict.fromkeys([*verbs, *GROUPS]))}")
    return _configured(name, verbs[name], rest)


def _verbs(name: str) -> dict[str, Verb]:
    """All verbs; those of other packages' networks, too, where ``name`` is none of ours."""
    if name in VERBS:
        return VERBS
    return VERBS | {one.verb: _training(one) for one in known().values() if one.verb not in VERBS}


def _configured(name: str, verb: Verb, rest: list[str]) -> Outcome | None:
    kind = _load(verb.settings)
    asked = {"-h", "--help", defaults.FLAG} & set(rest)
    path, overrides = None, [word for word in rest if word not in asked]
    if overrides and "=" not in overrides[0]:
        path, overrides = Path(overrides[0]), overrides[1:]
    settings = config.load(kind, path, overrides)
    if asked:
        say(defaults.text(settings).rstrip("\n") if asked == {defaults.FLAG} else _help(name, verb, settings))
        return None
    compiled.require()
    signal.signal(signal.SIGTERM, _interrupt)
    outcome: Outcome = _load(verb.function)(settings)
    return outcome


def _grouped(group: str, rest: list[str]) -> Outcome | None:
    verbs, asked = GROUPS[group], bool({"-h", "--help"} & set(rest))
    verb = verbs.get(rest[0]) if rest else None
    if verb is None:
        say("usage:\n" + _usages(group))
        if asked:
            return None
        wrong = f"there is no `{group} {rest[0]}`: " if rest else ""
        raise HpcvoxError(f"{wrong}give one of {', '.join(verbs)}")
    if isinstance(verb, Verb):
        return _configured(f"{group} {rest[0]}", verb, rest[1:])
    usage = f"usage: {_usage(group, rest[0])}"
    kind = _load(verb.settings) if verb.settings else None
    if asked:
        say(f"{usage}\n\n{verb.help}" + (f"\n\n{verb.more}" if verb.more else ""))
        if kind is not None:
            say("\n".join(["", "settings:", *defaults.listed(kind())]))
        return None
    given, wanted = rest[1:], [name for name in verb.arguments if name != "..."]
    overrides: list[str] = []
    if kind is not None:
        given, overrides = given[: len(wanted)], given[len(wanted) :]
    endless = len(wanted) < len(verb.arguments)
    if len(given) < len(wanted) or (len(given) > len(wanted) and not endless):
        raise HpcvoxError(f"{len(given)} arguments after `{group} {rest[0]}`; {usage}")
    if options := [text for text in given if text.startswith("-") or not text]:
        raise HpcvoxError(f"{options[0]!r} is no path; {usage}")
    compiled.require()
    signal.signal(signal.SIGTERM, _interrupt)
    settings = [] if kind is None else [config.load(kind, None, overrides)]
    outcome: Outcome = _load(verb.function)(*map(Path, given), *settings)
    return outcome


def _usages(group: str) -> str:
    usages = {_usage(group, name): verb.help for name, verb in GROUPS[group].items()}
    width = max(map(len, usages))
    return "\n".join(f"  {usage:<{width}}  {text}" for usage, text in usages.items())


def _usage(group: str, name: str) -> str:
    verb = GROUPS[group][name]
    if isinstance(verb, Verb):
        return f"hpcvox {group} {name} [CONFIG.yaml] [key=value ...]"
    arguments = " ".join(verb.arguments).replace("SET ...", "SET [SET ...]")
    return f"hpcvox {group} {name} {arguments}" + (" [key=value ...]" if verb.settings else "")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _load(place: str) -> Any:
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def _overview() -> str:
    verbs = "\n".join(f"  {name:<17} {verb.help}" for name, verb in _verbs("").items())
    return (
        "usage: hpcvox VERB [CONFIG.yaml] [key=value ...]\n\n"
        f"{verbs}\n  {'shards':<17} {', '.join(SHARD_VERBS)}: of shard sets\n"
        f"  {'check':<17} whether settings are valid: hpcvox check VERB [CONFIG.yaml] [key=value ...]\n\n"
        "hpcvox VERB --help lists a verb's settings; hpcvox VERB --defaults prints them as a config.\n"
        "Names and paths are taken as they are written (base=0010, id_column=No), null is none; numbers are decimal\n"
        "(1000, -0.5, 1e-3); a list is [a, b].\n"
        "Exit status: 0 done; 2 an error, said on standard error; 4 done, and some inputs were rejected, listed with\n"
        "their reasons; 75 interrupted, state saved: run it again."
    )


def _help(name: str, verb: Verb, settings: config.Settings) -> str:
    lines = [f"usage: hpcvox {name} [CONFIG.yaml] [key=value ...]"]
    if name in GROUPS:
        lines.append(_usages(name))
    lines += ["", defaults.about(type(settings)) or verb.help, "", "settings:"]
    lines += defaults.listed(settings)
    return "\n".join(lines)
