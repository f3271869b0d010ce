"""Small shard sets of real diffraction fingerprints for the tests of training."""

from pathlib import Path

import numpy as np
from ase.build import bulk

from hpcvox.crystals.record import Crystal
from hpcvox.featurize.diffraction import DiffractionSampler
from hpcvox.featurize.settings import DiffractionSettings
from hpcvox.shards.layout import shard_name
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer

ELEMENTS = ["Al", "Cu", "Ag", "Au", "Fe", "Cr", "W", "Mo", "Po", "Ni", "Pd", "Pt"]
LATTICES = {221: ("sc", 3.0), 225: ("fcc", 4.0), 229: ("bcc", 3.2), 227: ("diamond", 5.4)}


def make_fingerprints(folder: Path) -> Path:
    """A shard set of twelve elements in four lattices, each with its space group."""
    folder.mkdir()
    settings = DiffractionSettings(atoms=64)
    sampler = DiffractionSampler(settings)
    count = len(ELEMENTS) * len(LATTICES)
    buffer = ShardBuffer(sampler.arrays, count)
    for index in range(count):
        element, number = ELEMENTS[index // len(LATTICES)], list(LATTICES)[index % len(LATTICES)]
        lattice, length = LATTICES[number]
        atoms = bulk(element, lattice, a=length)
        targets = {"space_group": float(number)}
        crystal = Crystal(
            f"m-{index}", "made", atoms.cell.array, atoms.get_scaled_positions(),
            atoms.numbers.astype(np.uint8), targets,
        )  # fmt: skip
        slot = buffer.slot()
        slot["cell"][:] = crystal.lattice
        sampler.fill(crystal, (0, index), slot)
        buffer.commit(index, crystal.id, f"{element}{number}", "made", crystal.numbers, crystal.frac, targets)
    kept = settings.model_dump(mode="json")
    line = buffer.write(folder / shard_name(0), Provenance("diffraction", "", kept, "0", "made", 0, count))
    Manifest("diffraction", "", kept, "0", "made", count, count, 0, {}, (line,)).save(folder)
    return folder
