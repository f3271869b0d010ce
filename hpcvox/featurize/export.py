"""``hpcvox shards export``: writes the crystals of a shard set in formats that other programs read.

It is in this package because it writes crystals, and ``hpcvox.shards`` knows nothing of crystals.
"""

from pathlib import Path

import numpy as np

from hpcvox.crystals.record import Crystal
from hpcvox.errors import ShardError
from hpcvox.featurize.export_formats import FORMATS, Batches
from hpcvox.process.outcome import Outcome
from hpcvox.progress import Progress
from hpcvox.shards.reading.shard_file import ShardFile, open_named
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import counted


def export(folder: Path, out: Path) -> Outcome:
    """Write the crystals of the shard set ``folder`` to ``out``, whose suffix says the format.

    Raises:
        ShardError: the set is not complete, its shards hold no cells, the suffix is unknown, ``out`` is a
            folder that is not empty, or it cannot be written.
        MissingDependencyError: Parquet is asked for and pyarrow is not installed.
    """
    form = FORMATS.get(out.suffix.lower())
    if form is None:
        raise ShardError(
            f"{out}: the format cannot be told from the suffix {out.suffix!r}; valid: "
            + ", ".join(f"{suffix or 'no suffix'} ({f.about})" for suffix, f in FORMATS.items())
        )
    shards = ShardSet.open(folder)
    with Progress("export", len(shards), "crystals") as progress:

        def batches() -> Batches:
            for name, crystals in _read(shards):
                yield name, crystals
                progress.advance(len(crystals))

        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            form.write(out, batches(), shards.target_names)
        except OSError as error:
            raise ShardError(
                f"cannot write {out}: {error}. Free space there or choose another place"
            ) from error
    return Outcome(f"export: {counted(len(shards), 'crystal')} of {folder} as {form.about} in {out}")


def _read(shards: ShardSet) -> Batches:
    for line in shards.manifest.shards:
        with open_named(shards.folder, line) as shard:
            if "cell" not in shard.arrays:
                raise ShardError(
                    f"{shards.folder}: shards of the descriptor {shards.manifest.descriptor} hold no cells, so the "
                    "crystals cannot be written: featurize the same source with descriptor=density and export that set"
                )
            yield line.file, _crystals(shard)


def _crystals(shard: ShardFile) -> list[Crystal]:
    ids, origins, cells = shard.texts("id"), shard.texts("origin"), shard.cells()
    ends, numbers, frac = shard.sites()
    targets = shard.targets()
    return [
        Crystal(
            ids[i],
            origins[i],
            cells[i],
            frac[ends[i] : ends[i + 1]],
            numbers[ends[i] : ends[i + 1]],
            {name: float(values[i]) for name, values in targets.items() if np.isfinite(values[i])},
        )
        for i in range(shard.n_samples)
    ]
