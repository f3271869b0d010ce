"""The shard sets of the experiments: densities of two widths, and graphs; every lost crystal is counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.digest import entries_digest
from hpcvox.crystals.sources.source import Source, open_source
from hpcvox.errors import SourceError
from hpcvox.featurize.settings import DensitySettings, FeaturizeSettings, GraphSettings
from hpcvox.files import durable
from hpcvox.files.summary import Part
from hpcvox.report.kinds import kind_of
from hpcvox.reproduction.court.settings import CourtSettings
from hpcvox.reproduction.steps import SHORT, Step, digest
from hpcvox.shards.layout import MANIFEST
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import say
from hpcvox.training.folder.damage import checksum

ENERGY: Final = "formation_energy"
"""Target of the density sets."""

SIGMAS: Final = {"sigma-1": 1.0, "sigma-r": None}
"""Widths of the Gaussians in Å, by the names of their sets; None: the ionic radius."""

SYMPREC: Final = 0.01
"""Å; sites of a graph that are equivalent within this are computed once."""


class Property(NamedTuple):
    """A property of Table 1."""

    name: str
    """Its setting, and its target in the set of graphs."""
    quantity: str
    unit: str
    log: bool
    """Whether its logarithm is learnt and judged."""


PROPERTIES: Final = (
    Property("formation_energy", "formation energy", "eV/atom", False),
    Property("total_energy", "total energy", "eV/atom", False),
    Property("band_gap", "band gap", "eV", False),
    Property("bulk_modulus", "bulk modulus", "ln GPa", True),
    Property("shear_modulus", "shear modulus", "ln GPa", True),
    Property("poisson_ratio", "Poisson ratio", "", False),
    Property("refractive_index", "refractive index", "", False),
    Property("dielectric_constant", "dielectric constant", "ln", True),
)

LOGARITHMS: Final = frozenset(one.name for one in PROPERTIES if one.log)


class Featurized(Part):
    """A shard set that is there, and what became of the inputs."""

    inputs: int
    unread: dict[str, int]
    """Inputs that could not be parsed, by reason."""
    unwanted: int
    """Crystals of other formulas, or without the value that is needed."""
    drawn: int
    rejects: dict[str, int]
    """Of those that were drawn, by reason."""
    crystals: int


class Sets(NamedTuple):
    """The steps that make the shard sets, and where these are."""

    densities: Mapping[str, tuple[Step[Featurized], Path]]
    """By the keys of :data:`SIGMAS`."""
    graphs: tuple[Step[Featurized], Path]

    @property
    def steps(self) -> list[Step[Featurized]]:
        """All steps."""
        return [*(step for step, _ in self.densities.values()), self.graphs[0]]


def columns(settings: CourtSettings) -> dict[str, str]:
    """The column of each property that has one, by its name."""
    given = settings.properties.model_dump()
    return {one.name: given[one.name] for one in PROPERTIES if given[one.name] is not None}


def sets(settings: CourtSettings) -> Sets:
    """The shard sets of these settings.

    Raises:
        SourceError: a source cannot be opened.
    """
    scale = settings.scale
    own = _opened(settings, settings.source, {ENERGY: settings.energy})
    other = _opened(settings, settings.property_source or settings.source, columns(settings))
    place = settings.folder / "sets"
    made = {}
    for name, sigma in SIGMAS.items():
        job = DensitySettings(
            voxels=scale.voxels, grid=scale.grid, sigma=sigma, **_common(settings, place, [ENERGY])
        )
        made[name] = _set(name, settings, job, own, scale.crystals, settings.formulas)
    graphs = GraphSettings(symprec=SYMPREC, **_common(settings, place, [*columns(settings)]))
    return Sets(made, _set("graphs", settings, graphs, other, scale.property_crystals, None))


class _Opened(NamedTuple):
    """A source with its columns by the names of their targets, and what identifies its bytes."""

    path: Path
    columns: Mapping[str, str]
    bytes: str


def _opened(settings: CourtSettings, path: Path, named: Mapping[str, str]) -> _Opened:
    held = _source(settings, path, named)
    of_bytes = checksum(path) if path.is_file() else entries_digest(list(held))
    return _Opened(path, named, of_bytes)


def _source(settings: CourtSettings, path: Path, named: Mapping[str, str]) -> Source:
    return open_source(path, settings.id_column, settings.cif_column, [*dict.fromkeys(named.values())])


def _common(settings: CourtSettings, place: Path, targets: Sequence[str]) -> dict[str, Any]:
    return {"actors": settings.actors, "overwrite": True, "targets": list(targets), "out": place}


def _set(
    name: str,
    settings: CourtSettings,
    job: FeaturizeSettings,
    source: _Opened,
    limit: int | None,
    formulas: Sequence[str] | None,
) -> tuple[Step[Featurized], Path]:
    settled = [
        *(source.bytes, dict(source.columns), settings.id_column, settings.cif_column),
        *(limit, formulas, settings.seed, job.fixed()),
    ]
    job = job.model_copy(update={"out": job.out / f"{name}.{digest(settled)[:SHORT]}"})
    make = partial(_featurize, settings, job, source, limit, formulas)
    return Step(f"sets/{name}", Featurized, settled, make, (job.out / MANIFEST,)), job.out


def _featurize(
    settings: CourtSettings,
    job: FeaturizeSettings,
    source: _Opened,
    limit: int | None,
    formulas: Sequence[str] | None,
    place: Path,
) -> Featurized:
    # imported here: Ray takes seconds
    from hpcvox.featurize.job import run

    inputs, unread, unwanted = 0, Counter[str](), 0
    found: list[Crystal] = []
    for entry in _source(settings, source.path, source.columns):
        inputs += 1
        for one in parse(entry):
            if not isinstance(one, Crystal):
                unread[one.code] += 1
            elif not (one.targets.keys() & set(source.columns.values())) or (
                formulas is not None and kind_of(one.formula) not in formulas
            ):
                unwanted += 1
            else:
                found.append(one)
    if not found:
        raise SourceError(
            f"{source.path}: none of {inputs:,} inputs is a crystal that is wanted and has a value of "
            f"{', '.join(source.columns.values())}: name its columns, or give other formulas"
        )
    found = drawn(found, [*source.columns.values()], limit, settings.seed)
    table = place / "crystals.csv"
    rows = [_row(one, source.columns) for one in found]
    durable.write_csv(table, ("id", "cif", *source.columns), rows)
    say(
        run(job.model_copy(update={"source": table, "id_column": "id", "cif_column": "cif"})).summary,
        error=True,
    )
    shards = ShardSet.open(job.out)
    return Featurized(
        inputs=inputs,
        unread=dict(sorted(unread.items())),
        unwanted=unwanted,
        drawn=len(found),
        rejects=dict(sorted(shards.manifest.rejects_by_code.items())),
        crystals=shards.n_samples,
    )


def drawn(found: Sequence[Crystal], wanted: Sequence[str], limit: int | None, seed: int) -> list[Crystal]:
    """Crystals at random, until ``limit`` have each of the ``wanted`` targets, or all that have it are there.

    The rarest target comes first, so that its crystals serve for the others, too.
    """
    if limit is None:
        return list(found)
    order = np.random.default_rng([seed, limit]).permutation(len(found)).tolist()
    having = {name: [place for place in order if name in found[place].targets] for name in wanted}
    taken: set[int] = set()
    for places in sorted(having.values(), key=len):
        missing = limit - sum(place in taken for place in places)
        taken.update([place for place in places if place not in taken][: max(0, missing)])
    return [found[place] for place in sorted(taken)]


def _row(crystal: Crystal, named: Mapping[str, str]) -> dict[str, str]:
    """A row of the table that is featurized; a value without the logarithm that is to be learnt is none."""
    values = {name: crystal.targets.get(column) for name, column in named.items()}
    given = {
        name: "" if value is None or (name in LOGARITHMS and value <= 0) else repr(value)
        for name, value in values.items()
    }
    return {"id": crystal.id, "cif": cif_text(crystal), **given}
