"""A study that tunes featurization: crystals whose ``affinity`` can be learned, as graphs of few or many neighbours."""

from pathlib import Path

from ase.build import bulk
from ase.io import write

NEIGHBOURS = {"near": 4, "far": 10}
"""Of each shard set."""

CRYSTALS = 30


def write_crystals(folder: Path) -> None:
    """``crystals.extxyz``, the source of the study's shard sets."""
    made = []
    for k, (cation, anion) in enumerate(
        (c, a) for c in ("Li", "Na", "K", "Rb", "Cs") for a in ("F", "Cl", "Br")
    ):
        for lattice, a in (("rocksalt", 5.0), ("cesiumchloride", 3.2)):
            made.append(bulk(cation + anion, lattice, a=a + 0.05 * k))
            made[-1].info = {"id": f"{cation}{anion}-{lattice}", "affinity": 0.1 * k}
    assert len(made) == CRYSTALS
    write(folder / "crystals.extxyz", made)


def given(place: Path, *more: str) -> list[str]:
    """The study's settings, in ``place`` with its shard sets and their source."""
    sets = ", ".join(f"{place / name}: {{neighbours: {n}}}" for name, n in NEIGHBOURS.items())
    return [
        *(
            "verb=train-cgcnn",
            f"out={place / 'study'}",
            "pruner=none",
            "sampler=random",
            "seed=2",
            "trials=2",
        ),
        "settings={target: affinity, epochs: 1, batch_size: 8, threads: 1, model: {atom_features: 8, hidden: 8}}",
        f"space={{shards: {{choices: [{place / 'near'}, {place / 'far'}]}}}}",
        f"featurize.settings={{descriptor: graph, source: {place / 'crystals.extxyz'}, actors: 1}}",
        f"featurize.sets={{{sets}}}",
        *more,
    ]
