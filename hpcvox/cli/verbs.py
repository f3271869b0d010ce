"""The verbs of the command line: for each, where its settings class and its function are, and what it does."""

import importlib
from typing import Any, Final, NamedTuple

from hpcvox.training.network import Network, known, ours


class Verb(NamedTuple):
    """A job: where its settings class and its function are (imported when it is called), and what it does."""

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
    "campaign": Verb(
        "hpcvox.rounds.settings:CampaignSettings",
        "hpcvox.rounds.job:run",
        "rounds of new crystals: generate, judge, relax, keep the stable, train on",
    ),
    "database": Verb(
        "hpcvox.database.settings:DatabaseSettings",
        "hpcvox.database.job:run",
        "built-in crystals, with energies",
    ),
    "elements": Verb(
        "hpcvox.database.elements.settings:ElementsSettings",
        "hpcvox.database.elements.job:run",
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
        "hpcvox.studies.job:run",
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
    "hull": Verb(
        "hpcvox.stability.settings:HullSettings",
        "hpcvox.stability.job:run",
        "relaxed crystals → energy above the hull of known ones; which are stable",
    ),
    "screen": Verb(
        "hpcvox.screening.settings:ScreenSettings",
        "hpcvox.screening.job:run",
        "crystals → properties, and those that have the wanted ones",
    ),
    "evaluate": Verb(
        "hpcvox.experiments.evaluate.settings:EvaluateSettings",
        "hpcvox.experiments.evaluate.job:run",
        "errors on held-out crystals",
    ),
    "evaluate-fingerprint": Verb(
        "hpcvox.experiments.evaluate_fingerprint.settings:EvaluateFingerprintSettings",
        "hpcvox.experiments.evaluate_fingerprint.job:run",
        "classes of crystals with defects, by network and symmetry",
    ),
    "explain": Verb(
        "hpcvox.experiments.explain.settings:ExplainSettings",
        "hpcvox.experiments.explain.job:run",
        "what a fingerprint network looks at in crystals, as pictures",
    ),
    "reproduce": Verb(
        "hpcvox.reproduction.settings:ReproduceSettings",
        "hpcvox.reproduction.job:run",
        "the tables and figures of a paper, ours beside its own",
    ),
    "report": Verb(
        "hpcvox.report.settings:ReportSettings", "hpcvox.report.job:run", "one HTML file about it all"
    ),
}


class FolderVerb(NamedTuple):
    """An action on the output of jobs: its function takes the arguments as paths (``...``: one or more)."""

    function: str
    arguments: tuple[str, ...]
    help: str
    more: str = ""
    settings: str = ""
    """Where the settings class is, if settings (``key=value``) may follow the arguments; else empty."""


SHARD_VERBS: dict[str, FolderVerb | Verb] = {
    "info": FolderVerb("hpcvox.shards.inspect:info", ("FOLDER",), "what a shard set holds"),
    "verify": FolderVerb(
        "hpcvox.shards.inspect:verify",
        ("FOLDER",),
        "recompute every checksum; name what is damaged",
        "Reads every byte.  The exit status is 1 if something is damaged; run the featurize job again, which\n"
        "rebuilds only the damaged shards.",
    ),
    "index": FolderVerb(
        "hpcvox.shards.index:index",
        ("FOLDER",),
        "write set.h5 anew, by which a set is opened at once",
        "Reads the tables of every shard, no voxels.  `featurize` and `merge` write set.h5 themselves: this is for a\n"
        "set from which it was lost, or was damaged (`hpcvox shards verify` says so).",
    ),
    "merge": FolderVerb(
        "hpcvox.shards.merge:merge",
        ("OUT", "SET", "..."),
        "one shard set from several of the same settings",
        "OUT is a new folder; each SET is a complete shard set.  Descriptor, grid, settings and version must be\n"
        "the same, and no id may occur twice.  The merge does not change the sets.  After an interruption, run\n"
        "the same command again: it goes on where it was.",
    ),
    "export": FolderVerb(
        "hpcvox.featurize.export:export",
        ("SET", "OUT"),
        "the crystals of a shard set as extxyz, CSV, Parquet or npz",
        "The suffix of OUT chooses the format: x.extxyz; x.csv, a table with a column of CIFs that\n"
        "`hpcvox featurize` reads; x.parquet; or a new folder (a name without suffix) with one .npz file for each\n"
        "shard.  The export holds the crystals: id, formula, cell, sites, targets.  The arrays (density and so on)\n"
        "need no export: the shards are plain HDF5, and set.h5 beside them shows them as one file; see\n"
        "docs/shards.md.",
    ),
}

STUDY_VERBS: dict[str, FolderVerb | Verb] = {
    "prepare": Verb(
        "hpcvox.studies.settings:StudySettings",
        "hpcvox.studies.prepare:prepare",
        "write a featurize config for each shard set that the study still needs",
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
        "Prints the address to open and, on a node of a cluster, the ssh command that forwards it to your own\n"
        "machine.  It only shows the study and changes nothing, also while workers run; Ctrl-C ends it.",
        "hpcvox.studies.settings:DashboardSettings",
    ),
}

TRAIN: Final = "train"
"""The verb that trains a network of another package: ``train package.module:NAME``."""

PIPELINE_VERBS: dict[str, FolderVerb | Verb] = {
    "plan": Verb(
        "hpcvox.pipeline.settings:PipelineSettings",
        "hpcvox.pipeline.plan:plan",
        "write the config of each step, and say what it waits for (slurm/pipeline.sh submits that)",
    )
}

CAMPAIGN_VERBS: dict[str, FolderVerb | Verb] = {
    "status": FolderVerb(
        "hpcvox.rounds.status:status", ("FOLDER",), "how far a campaign is, and what it has found"
    )
}

GROUPS = {
    "shards": SHARD_VERBS,
    "study": STUDY_VERBS,
    "pipeline": PIPELINE_VERBS,
    "campaign": CAMPAIGN_VERBS,
}
"""Verbs that have verbs of their own (``shards info``).  All but ``shards`` also run by themselves."""

OTHERS: Final = {
    "check": "whether settings are valid: hpcvox check VERB [CONFIG.yaml] [key=value ...]",
    "completion": "completion of verbs, keys and values by the tab key: hpcvox completion bash|zsh|fish",
}
"""Verbs that run no job, and what each does."""


def every(name: str = "") -> dict[str, Verb]:
    """All verbs.  The verbs of other packages' networks are looked up only if ``name`` is not one of ours."""
    if name in VERBS:
        return VERBS
    return VERBS | {one.verb: training(one) for one in known().values() if one.verb not in VERBS}


def load(place: str) -> Any:
    """Import and return the object that ``module:name`` names."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)
