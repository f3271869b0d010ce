"""``hpcvox shards index``: writes ``set.h5``, the index of a shard set, anew."""

from pathlib import Path

from hpcvox.files import durable
from hpcvox.process.outcome import Outcome
from hpcvox.shards.layout import SET
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.writing.virtual import write_set_file
from hpcvox.terminal import counted


def index(folder: Path) -> Outcome:
    """Write ``set.h5`` of the shard set in ``folder`` from its shards; equal shards give equal bytes.

    Raises:
        ShardError: there is no complete shard set there, or a shard cannot be read or is not the manifest's.
        BusyError: another run is writing the folder.
    """
    manifest = Manifest.load(folder)
    with durable.sole_writer(folder):
        write_set_file(folder, manifest.shards)
    return Outcome(f"index: {counted(manifest.n_samples, 'sample')}; {folder / SET}")
