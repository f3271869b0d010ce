"""``hpcvox study prepare``: what is to be featurized before a study's trainings, for jobs of its own to do."""

from hpcvox.process.outcome import Outcome
from hpcvox.studies import shard_sets
from hpcvox.studies.settings import StudySettings
from hpcvox.studies.study import Study
from hpcvox.terminal import say


def prepare(settings: StudySettings) -> Outcome:
    """Begin the study and print a config of ``hpcvox featurize`` for each shard set that it lacks, one a line.

    Raises:
        ConfigError: the study cannot be, as in :meth:`Study.begin`.
        ShardError: a shard set is not there, nor does the study say how to make it.
    """
    Study.begin(settings)
    for path in shard_sets.write_configs(settings):
        say(str(path))
    return Outcome("")
