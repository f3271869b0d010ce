"""Makes the shard set of an experiment by ``hpcvox featurize``; every crystal must be in it."""

from hpcvox.errors import ShardError
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import say


def featurized(job: FeaturizeSettings, crystals: int, do: str) -> ShardSet:
    """Featurize, and open the set.

    Args:
        crystals: how many there are.
        do: what the user can do if some cannot be featurized.

    Raises:
        ShardError: some cannot be.
    """
    # imported here: Ray takes seconds
    from hpcvox.featurize.job import run

    outcome = run(job)
    say(outcome.summary, error=True)
    shards = ShardSet.open(job.out)
    if shards.n_samples < crystals:
        raise ShardError(
            f"{crystals - shards.n_samples} of {crystals} crystals cannot be featurized, see "
            f"{job.out / 'rejects.csv'}: {do}"
        )
    return shards
