"""What the command line knows: the verbs, where each one's settings and function are, and what it does."""

import importlib
from typing import Any, Final, NamedTuple

from hpcvox.training.network import Network, known, ours


class Verb(NamedTuple):
    """A job: where its settings and its function are (loaded when it is called), and what it does."""

    settings: str
    function: str
    help: str


def training(network: Network) -> Verb:
    """The verb that trains ``network``."""
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
    **{one.verb: training(one) for one in ours().values()},
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

TRAIN: Final = "train"
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

OTHERS: Final = {
    "check": "whether settings are valid: hpcvox check VERB [CONFIG.yaml] [key=value ...]",
    "completion": "completion of verbs, keys and values by the tab key: hpcvox completion bash|zsh|fish",
}
"""What runs no job, and what it does."""


def every(name: str = "") -> dict[str, Verb]:
    """All verbs; those of other packages' networks, too, where ``name`` is none of ours."""
    if name in VERBS:
        return VERBS
    return VERBS | {one.verb: training(one) for one in known().values() if one.verb not in VERBS}


def load(place: str) -> Any:
    """What ``module:name`` names."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)
