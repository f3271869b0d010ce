"""Its section of the report: how many elements the crystals have."""

from collections import Counter
from collections.abc import Iterator

from hpcvox.report.parts import Section, cell, table
from hpcvox.report.run import Run
from hpcvox.shards.reading.shard_set import ShardSet


def sections(run: Run) -> Iterator[Section]:
    """A table of how many crystals have each number of elements."""
    if run.shards.path is None or run.shards.summary is None:
        yield Section("tiny", "Numbers of elements", missing=run.shards.unfinished("manifest.json"))
        return
    shards = ShardSet.open(run.shards.path)
    counts = Counter(len(set(shards.sites(number)[0].tolist())) for number in range(shards.n_samples))
    rows = [[cell(elements), cell(count)] for elements, count in sorted(counts.items())]
    yield Section(
        "tiny", "Numbers of elements", tables=[table("all crystals", ["elements", "crystals"], rows)]
    )
