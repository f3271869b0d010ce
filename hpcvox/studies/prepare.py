"""``hpcvox study prepare``: writes configs of the featurizations that a study needs, to run as separate jobs."""

from hpcvox.process.outcome import Outcome
from hpcvox.studies import shard_sets
from hpcvox.studies.settings import StudySettings
from hpcvox.studies.study import Study
from hpcvox.terminal import say


def prepare(settings: StudySettings) -> Outcome:
    """Begin the study, and print the path of a ``hpcvox featurize`` config for each missing shard set, one per line.

    Raises:
        ConfigError: the study is not valid, see :meth:`Study.begin`.
        ShardError: a shard set is missing, and the study does not say how to make it.
    """
    Study.begin(settings)
    for path in shard_sets.write_configs(settings):
        say(str(path))
    return Outcome("")
