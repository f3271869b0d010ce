"""The ``hpcvox`` command: verbs, what is typed after them, their help and their completion."""

from hpcvox.cli.commands import console, job, main
from hpcvox.cli.verbs import GROUPS, PIPELINE_VERBS, SHARD_VERBS, STUDY_VERBS, VERBS, FolderVerb, Verb

__all__ = [
    "GROUPS",
    "PIPELINE_VERBS",
    "SHARD_VERBS",
    "STUDY_VERBS",
    "VERBS",
    "FolderVerb",
    "Verb",
    "console",
    "job",
    "main",
]
