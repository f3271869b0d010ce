"""Its own tests: ``python -m hpcvox_tiny.contracts FOLDER SHARDS``, with a new folder and a shard set of densities."""

import sys
from pathlib import Path

from hpcvox import config
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.errors import SourceError
from hpcvox.testing.descriptors import check_descriptor
from hpcvox.testing.sources import check_source
from hpcvox.testing.tasks import check_task
from hpcvox_tiny import FRACTIONS, NETWORK
from hpcvox_tiny.settings import TrainTinySettings


def main(folder: Path, shards: Path) -> None:
    """Hold each part of the package to the contract of its kind."""
    folder.mkdir()
    (folder / "salts.tiny").write_text(
        "a Na Cl 5.64 -2.1\nb Mg O 4.21 -3.0\ndamaged\nb Ca O 4.8 -3.1\n", "utf-8"
    )
    entries = check_source(folder / "salts.tiny")
    assert [entry.fault.code if entry.fault else "" for entry in entries] == ["", "", "row", "duplicate-id"]
    crystals = [result for entry in entries for result in parse(entry) if isinstance(result, Crystal)]
    check_descriptor(FRACTIONS, crystals, folder / "fractions", heaviest=60)
    check_task(NETWORK, config.load(TrainTinySettings, None, [f"shards={shards}", f"out={folder / 'run'}"]))
    (folder / "empty.tiny").touch()
    try:
        check_source(folder / "empty.tiny")
    except SourceError as error:
        print(error)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
