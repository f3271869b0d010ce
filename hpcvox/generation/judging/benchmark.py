"""``hpcvox judge reference=…``: computes the usual metrics of crystal generators over all candidates.

Xie et al. 2022 (CDVAE, arXiv:2110.06197): validity of structures and compositions, COV-R and COV-P.
"""

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import xxhash

from hpcvox.actors.campaign import Campaign, Part, Worker
from hpcvox.actors.pool import actor_pool
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Reject
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import ConfigError
from hpcvox.files import durable
from hpcvox.files.kept_parts import KeptParts
from hpcvox.generation.judging import compositions
from hpcvox.generation.judging.compositions import (
    COMPOSITION_FEATURES,
    composition_fingerprint,
    composition_valid,
)
from hpcvox.generation.judging.coverage import Fingerprints, Nearest, nearest
from hpcvox.generation.judging.structures import STRUCTURE_FEATURES, structure_fingerprint, structure_valid
from hpcvox.generation.judging.summary import Benchmark, Validity
from hpcvox.generation.settings import JudgeSettings
from hpcvox.shards.layout import REJECT_COLUMNS, REJECTS

PART: Final = 8
"""Crystals in a part; an interruption loses at most one part."""

TABLE: Final = "benchmark.csv"
COLUMNS: Final = (
    "set", "id", "formula", "structure_valid", "composition_valid", "structure_distance", "composition_distance",
    "covered", "message",
)  # fmt: skip

Row = dict[str, Any]
"""Columns for each crystal: ``structure_valid``, ``composition_valid``, the fingerprints ``structure`` and
``composition`` (both None if one of them cannot be computed), and the ``message`` that says why."""


class Reference(NamedTuple):
    """The crystals that candidates are compared with, and the rejects of their source."""

    crystals: list[Crystal]
    rejects: list[Reject]


def read_reference(path: Path) -> Reference:
    """Read all crystals of the source ``path``.

    Raises:
        MissingDependencyError: SMACT is not installed.
        SourceError: the source cannot be opened.
        ConfigError: the source has no usable crystal.
    """
    compositions.require()
    found = [each for entry in open_source(path, targets=[]) for each in parse(entry)]
    crystals = [each for each in found if isinstance(each, Crystal)]
    if not crystals:
        raise ConfigError(f"reference: {path} has no crystal that can be used")
    return Reference(crystals, [each for each in found if not isinstance(each, Crystal)])


def benchmark(
    settings: JudgeSettings, ids: Sequence[str], crystals: Mapping[str, Crystal], reference: Reference
) -> Benchmark:
    """Write ``benchmark.csv`` to ``settings.out`` and return its part of the summary.

    Args:
        settings: the settings of the job.
        ids: the ids of all samples that were drawn.  A sample without atoms counts as not valid, and covers nothing.
        crystals: the crystals of the candidates that have atoms, by id.
        reference: the crystals that they are compared with.
    """
    made = [crystals[name] for name in ids if name in crystals]
    rows = _described(settings, [made, reference.crystals])
    nothing = _without("no crystal")
    by_id = {crystal.id: row for crystal, row in zip(made, rows, strict=False)}
    candidates = [by_id.get(name, nothing) for name in ids]
    known = rows[len(made) :]
    of_candidates, of_reference = nearest(_fingerprints(candidates), _fingerprints(known))
    cutoffs = settings.structure_cutoff, settings.composition_cutoff
    formulas = [crystals[name].formula if name in crystals else "" for name in ids]
    names = [crystal.id for crystal in reference.crystals]
    table = [
        *_table("candidate", ids, formulas, candidates, of_candidates, cutoffs),
        *_table("reference", names, [c.formula for c in reference.crystals], known, of_reference, cutoffs),
    ]
    durable.write_csv(settings.out / TABLE, COLUMNS, table)
    if reference.rejects:
        rejects = [reject._asdict() for reject in reference.rejects]
        durable.write_csv(settings.out / REJECTS, REJECT_COLUMNS, rejects)
    return Benchmark(
        candidates=len(ids),
        **dict(_validity(candidates)),
        cov_recall=_share(of_reference.covered(*cutoffs)),
        cov_precision=_share(of_candidates.covered(*cutoffs)),
        amsd_recall=_mean(of_reference.structure),
        amsd_precision=_mean(of_candidates.structure),
        amcd_recall=_mean(of_reference.composition),
        amcd_precision=_mean(of_candidates.composition),
        structure_cutoff=settings.structure_cutoff,
        composition_cutoff=settings.composition_cutoff,
        candidates_without_fingerprint=sum(not _whole(row) for row in candidates),
        reference=str(settings.reference),
        reference_crystals=len(known),
        reference_rejects=len(reference.rejects),
        reference_without_fingerprint=sum(not _whole(row) for row in known),
        reference_validity=_validity(known),
        software={"pymatgen": importlib.metadata.version("pymatgen"), "smact": compositions.version()},
    )


def clear(out: Path) -> None:
    """Remove the files that an earlier run with another reference has written; finished parts stay."""
    for name in (TABLE, REJECTS):
        (out / name).unlink(missing_ok=True)


def told(summary: Benchmark) -> str:
    """The figures of the benchmark as a sentence, for the last line of the job."""
    return (
        f"valid structures {summary.structure_valid:.2%}, compositions {summary.composition_valid:.2%}; "
        f"COV-R {summary.cov_recall:.2%}, COV-P {summary.cov_precision:.2%} "
        f"of {summary.reference_crystals:,} in {summary.reference}"
    )


def _described(settings: JudgeSettings, sets: Sequence[Sequence[Crystal]]) -> list[Row]:
    """The rows of all crystals, in their order; rows of finished parts are kept for the next run."""
    software = [importlib.metadata.version("pymatgen"), compositions.version()]
    work = [software, STRUCTURE_FEATURES, COMPOSITION_FEATURES, compositions.scale()]
    kept = KeptParts(settings.out / "parts", work)
    campaign = Campaign[Crystal, list[Row]]("fingerprints", "crystals", _worker, kept)
    pieces = [one[start : start + PART] for one in sets for start in range(0, len(one), PART)]
    names = [_digest(piece) for piece in pieces]
    distinct = dict(zip(names, pieces, strict=True))  # equal parts are computed once
    parts = [Part(number, piece, name) for number, (name, piece) in enumerate(distinct.items())]
    with actor_pool(settings.actors) as pool:
        done = campaign.results(pool, parts, sum(map(len, distinct.values())))
        rows = {part.name: of_part for part, of_part in done}
    kept.remove_others(names)
    return [row for name in names for row in rows[name]]


def _digest(crystals: Sequence[Crystal]) -> str:
    """XXH3-128 (hex) of everything in the crystals that their fingerprints depend on."""
    state = xxhash.xxh3_128()
    for crystal in crystals:
        state.update(crystal.numbers.tobytes() + b"\0")
        state.update(np.ascontiguousarray(crystal.lattice).tobytes())
        state.update(np.ascontiguousarray(crystal.frac).tobytes())
    return state.hexdigest()


def _worker() -> Worker[Crystal, list[Row]]:
    return _rows


def _rows(part: Part[Crystal]) -> list[Row]:
    fatal = part.fatal
    return [_without(fatal[i]) if i in fatal else described(one) for i, one in enumerate(part.items)]


def described(crystal: Crystal) -> Row:
    """Compute validity and fingerprints of one crystal."""
    row = _without("")
    try:
        row["structure_valid"] = structure_valid(crystal)
        row["composition_valid"] = composition_valid(crystal.numbers)
        structure, composition = structure_fingerprint(crystal), composition_fingerprint(crystal.numbers)
    # libraries may raise anything for a strange crystal, which then covers nothing
    except Exception as error:
        return row | {"message": f"{type(error).__name__}: {error}"[:500]}
    return row | {"structure": structure.tolist(), "composition": composition.tolist()}


def _without(message: str) -> Row:
    return {
        "structure_valid": False,
        "composition_valid": False,
        "structure": None,
        "composition": None,
        "message": message,
    }


def _whole(row: Row) -> bool:
    return row["structure"] is not None


def _fingerprints(rows: Sequence[Row]) -> Fingerprints:
    structure = np.full((len(rows), STRUCTURE_FEATURES), np.nan)
    composition = np.full((len(rows), COMPOSITION_FEATURES), np.nan)
    for index, row in enumerate(rows):
        if _whole(row):
            structure[index], composition[index] = row["structure"], row["composition"]
    return Fingerprints(structure, composition)


def _validity(rows: Sequence[Row]) -> Validity:
    structures = np.array([row["structure_valid"] for row in rows], bool)
    charges = np.array([row["composition_valid"] for row in rows], bool)
    whole = np.array([_whole(row) for row in rows], bool)
    return Validity(
        structure_valid=_share(structures),
        composition_valid=_share(charges),
        valid=_share(structures & charges & whole),
    )


def _share(which: Any) -> float:
    return round(float(np.mean(which)), 6)


def _mean(distances: Any) -> float | None:
    """The mean distance of the crystals that have a fingerprint; None if none has one."""
    finite = distances[np.isfinite(distances)]
    return round(float(finite.mean()), 6) if len(finite) else None


def _table(
    name: str,
    ids: Sequence[str],
    formulas: Sequence[str],
    rows: Sequence[Row],
    near: Nearest,
    cutoffs: tuple[float, float],
) -> list[Row]:
    covered = near.covered(*cutoffs)
    return [
        {
            "set": name,
            "id": ids[i],
            "formula": formulas[i],
            "structure_valid": row["structure_valid"],
            "composition_valid": row["composition_valid"],
            "structure_distance": _shown(near.structure[i]),
            "composition_distance": _shown(near.composition[i]),
            "covered": bool(covered[i]),
            "message": row["message"],
        }
        for i, row in enumerate(rows)
    ]


def _shown(distance: float) -> str:
    return f"{distance:.6f}" if np.isfinite(distance) else ""
