"""The steps that all experiments need: the targets, and a shard set of each descriptor by ``hpcvox featurize``."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.fields.writing import chgcar_text
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.featurize.settings import CoulombSettings, FeaturizeSettings, R3dvsSettings, SoapSettings
from hpcvox.files import durable
from hpcvox.files.summary import Part
from hpcvox.reproduction.featurized import featurized
from hpcvox.reproduction.kajita.data import Material, targets
from hpcvox.reproduction.kajita.settings import KajitaSettings
from hpcvox.reproduction.steps import SHORT, Step, digest
from hpcvox.shards.layout import MANIFEST
from hpcvox.shards.reading.shard_set import ShardSet

SUFFIX: Final = ".CHGCAR"
"""Of a field file, whose name is the id of its crystal in the set of spots."""

PER_SHARD: Final = 16


class Values(Part):
    """The targets of all crystals."""

    ids: list[str]
    values: list[list[float]]


class Featurized(Part):
    """A shard set that is there."""

    crystals: int


class Sets(NamedTuple):
    """Where the shard sets are."""

    spots: Path
    soap: Path
    coulomb: Path


def places(settings: KajitaSettings, data: Any) -> Sets:
    """Where the shard sets of these settings and data are."""
    folder = settings.folder / "sets"
    spots, others = digest([data, settings.scale.resolution])[:SHORT], digest(data)[:SHORT]
    return Sets(folder / f"r3dvs.{spots}", folder / f"soap.{others}", folder / f"coulomb.{others}")


def steps(settings: KajitaSettings, materials: Sequence[Material], data: Any) -> list[Step[Any]]:
    """The steps, of which the first has the targets; fig3 needs no baselines.

    Args:
        data: what identifies the materials.
    """
    found = places(settings, data)
    most = max(one.crystal.n_sites for one in materials)
    common: dict[str, Any] = {
        "actors": settings.actors,
        "overwrite": True,
        "entries_per_shard": PER_SHARD,
        "targets": [],
    }
    made: dict[str, tuple[FeaturizeSettings, Callable[[Path, Sequence[Material]], Path]]] = {
        "r3dvs": (
            R3dvsSettings(field="file", resolution=settings.scale.resolution, out=found.spots, **common),
            _fields,
        ),
        "soap": (SoapSettings(out=found.soap, max_sites=max(200, most), **common), _table),
        "coulomb": (CoulombSettings(out=found.coulomb, max_sites=most, **common), _table),
    }
    if settings.chosen == ["fig3"]:
        made = {"r3dvs": made["r3dvs"]}
    first = Step("sets/targets", Values, data, lambda place: _values(materials))
    return [
        first,
        *(
            Step(
                f"sets/{name}",
                Featurized,
                [data, job.fixed()],
                partial(_featurize, job, source, materials),
                (job.out / MANIFEST,),
            )
            for name, (job, source) in made.items()
        ),
    ]


def _values(materials: Sequence[Material]) -> Values:
    return Values(ids=[one.crystal.id for one in materials], values=[targets(one) for one in materials])


def _featurize(
    job: FeaturizeSettings,
    source: Callable[[Path, Sequence[Material]], Path],
    materials: Sequence[Material],
    place: Path,
) -> Featurized:
    do = "remove their rows from index.csv, and run the same command again"
    shards = featurized(job.model_copy(update={"source": source(place, materials)}), len(materials), do)
    return Featurized(crystals=shards.n_samples)


def _fields(place: Path, materials: Sequence[Material]) -> Path:
    """Write a CHGCAR of each density."""
    folder = place / "fields"
    folder.mkdir(exist_ok=True)
    for one in materials:
        text = chgcar_text(one.crystal, one.density.astype(np.float64), one.crystal.id)
        (folder / f"{one.crystal.id}{SUFFIX}").write_text(text, encoding="utf-8")
    return folder


def _table(place: Path, materials: Sequence[Material]) -> Path:
    """Write a table of CIFs."""
    rows = [{"id": one.crystal.id, "cif": cif_text(one.crystal)} for one in materials]
    durable.write_csv(place / "crystals.csv", ("id", "cif"), rows)
    return place / "crystals.csv"


def features(folder: Path, array: str, ids: Sequence[str]) -> NDArray[np.float64]:
    """An array of a shard set for the crystals ``ids``, (N, F)."""
    shards = ShardSet.open(folder)
    return shards.read_array(array, numbers(shards, ids)).astype(np.float64)


def numbers(shards: ShardSet, ids: Sequence[str]) -> NDArray[np.int64]:
    """The numbers of these crystals in the shard set."""
    known = {name: place for place, name in enumerate(shards.ids)}
    return np.array([known[name] for name in ids], np.int64)
