"""The table of the relaxed crystals, and its summary."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from hpcvox.crystals.cells import wrapped
from hpcvox.crystals.known import Match, cell_differences
from hpcvox.crystals.names import file_stem
from hpcvox.crystals.record import Crystal
from hpcvox.relaxation.fate import Fate, fate, of_failure
from hpcvox.relaxation.measures import bond_change, cell_change, rmsd, volume_change
from hpcvox.relaxation.settings import RelaxSettings, Stage
from hpcvox.relaxation.stage import Moved
from hpcvox.relaxation.summary import (
    FORMATION,
    MATCH,
    MEASURES,
    SUMMARISED,
    Column,
    RelaxSummary,
    StageDone,
    stage_column,
    stage_names,
)
from hpcvox.relaxation.worker import Result

Row = dict[str, Any]


def columns(settings: RelaxSettings) -> tuple[str, ...]:
    """The columns of ``relaxed.csv``; energies in eV per atom, forces in eV/Å, lengths in Å."""
    return (
        *(Column.ID, Column.FORMULA, Column.SITES, Column.CODE, Column.OUTCOME, Column.CONVERGED),
        *(Column.ENERGY, *MEASURES),
        *(FORMATION if settings.formation_energy is not None else ()),
        *(MATCH if settings.known is not None else ()),
        *(stage_column(name, figure) for name in _stage_names(settings) for figure in _FIGURES),
        *(Column.CIF, Column.ORIGIN, Column.MESSAGE),
    )


_FIGURES: Final = ("energy_start", "energy", "max_force", "steps", "converged")


def _stage_names(settings: RelaxSettings) -> list[str]:
    return stage_names([stage.calculator for stage in settings.stages])


def passed(result: Result, stages: Sequence[Stage]) -> bool:
    """Whether the crystal has finished its last stage, converged or not."""
    return len(result.stages) == len(stages)


def relaxed_crystal(result: Result) -> Crystal:
    """The crystal as its last stage left it."""
    assert result.crystal is not None
    last = result.stages[-1]
    return replace(result.crystal, lattice=last.lattice, frac=wrapped(last.frac))


def row(
    result: Result,
    settings: RelaxSettings,
    match: Match | None = None,
    references: Mapping[int, float] | None = None,
) -> Row:
    """A row of the table.

    As in Table 3 of Court et al. 2020, the crystal after all stages is compared with the given one.  |ΔE_f| is the
    difference between a predicted formation energy and that of the last stage's calculator.  The latter refers to the
    lowest structure of each element, relaxed by the same stages ("the difference between the total energy of the
    crystal and the sum of the energies of its constituent atoms in their bulk state").  ``energy_change`` belongs to
    the first stage only, since energies of different calculators cannot be compared.

    Args:
        result: the result of the crystal.
        settings: the settings of the job.
        match: the known crystal that it is the same as, if any.
        references: energies of the elements in eV per atom, by atomic number.
    """
    found: Row = {
        Column.ID: result.id, Column.ORIGIN: result.origin, Column.CODE: result.code, Column.MESSAGE: result.message,
        Column.CONVERGED: 0, Column.OUTCOME: of_failure(result.code),
    }  # fmt: skip
    crystal = result.crystal
    if crystal is None:
        return found
    n = crystal.n_sites
    found |= {Column.FORMULA: crystal.formula, Column.SITES: n}
    for name, stage in zip(_stage_names(settings), result.stages, strict=False):
        found |= {stage_column(name, figure): text for figure, text in _figures(stage, n).items()}
    if not passed(result, settings.stages):
        return found
    first, last = result.stages[0], result.stages[-1]
    before, after = (crystal.lattice, crystal.frac), (last.lattice, last.frac)
    end = replace(crystal, lattice=last.lattice, frac=last.frac)
    found |= {
        Column.CONVERGED: int(last.converged),
        Column.ENERGY: _six(last.energy / n),
        Column.OUTCOME: fate(crystal, end, last.converged, last.max_force, settings.symprec)
        if n
        else Fate.RELAXED,
        Column.BOND_CHANGE: _six(bond_change(before, after) if n else 0.0),
        Column.RMSD: _six(rmsd(before, after)),
        Column.CELL_CHANGE: _six(cell_change(crystal.lattice, last.lattice)),
        Column.VOLUME_CHANGE: _six(volume_change(crystal.lattice, last.lattice)),
        Column.ENERGY_CHANGE: _six((first.energy - first.energy_start) / n),
        Column.CIF: f"cifs/{file_stem(result.id)}.cif",
    }
    if match is not None:
        found |= _matched(relaxed_crystal(result), match)
    if references is not None:
        found |= _formation(crystal, last.energy / n, settings.formation_energy, references)
    return found


def _matched(crystal: Crystal, match: Match) -> Row:
    differences = cell_differences(crystal, match.crystal)
    lengths = ("", "", "") if differences is None else [_six(x) for x in differences]
    return dict(zip(MATCH, (match.id, _six(match.rms), *lengths), strict=True))


def _figures(stage: Moved, n: int) -> Row:
    return {
        "energy_start": _six(stage.energy_start / n),
        "energy": _six(stage.energy / n),
        "max_force": _six(stage.max_force),
        "steps": stage.steps,
        "converged": int(stage.converged),
    }


def _formation(crystal: Crystal, energy: float, target: str | None, references: Mapping[int, float]) -> Row:
    numbers = crystal.numbers.tolist()
    if any(z not in references for z in numbers):
        return {}
    formed = energy - sum(references[z] for z in numbers) / len(numbers)
    found: Row = {Column.FORMATION: _six(formed)}
    predicted = crystal.targets.get(target or "")
    if predicted is not None:
        found[Column.PREDICTED] = _six(predicted)
        found[Column.DIFFERENCE] = _six(abs(formed - predicted))
    return found


def _six(value: float) -> str:
    return f"{value + 0.0:.6f}".replace("-0.000000", "0.000000")


def summary(rows: Sequence[Row], settings: RelaxSettings, versions: Sequence[str]) -> RelaxSummary:
    """The summary of all rows; ``versions`` are those of the stages' calculators."""
    measured = {
        name: values for name in SUMMARISED if (values := [float(r[name]) for r in rows if r.get(name)])
    }
    return RelaxSummary(
        crystals=len(rows),
        relaxed=sum(Column.CIF in r for r in rows),
        converged=sum(r[Column.CONVERGED] for r in rows),
        codes=dict(sorted(Counter(r[Column.CODE] for r in rows if r[Column.CODE]).items())),
        outcomes=dict(sorted(Counter(str(r[Column.OUTCOME]) for r in rows).items())),
        stages=[
            StageDone(calculator=stage.calculator, version=version, cell=stage.cell)
            for stage, version in zip(settings.stages, versions, strict=True)
        ],
        matched=None if settings.known is None else sum(Column.MATCH in r for r in rows),
        means={name: round(float(np.mean(values)), 6) for name, values in measured.items()},
        medians={name: round(float(np.median(values)), 6) for name, values in measured.items()},
    )
