"""The work of one actor: for each crystal of an entry it makes a field file and a row of the table."""

import json
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import xxhash

from hpcvox.actors.campaign import Part
from hpcvox.calculators.density import grid_shape
from hpcvox.calculators.field import Request, Result, solve
from hpcvox.calculators.gpaw import VALENCE, code, moments, refuse_sharp, valence
from hpcvox.crystals.cells import primitive
from hpcvox.crystals.checks import refuse_many_sites
from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.fields.writing import chgcar_text
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.names import plain
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.dft.files import field_file, write
from hpcvox.dft.settings import DftSettings
from hpcvox.errors import Rejected

FIELDS: Final = "fields"
PARTS: Final = "parts"
SCRATCH: Final = ".scratch"

RECIPE: Final = 1
"""Version of the computation.  Increase it when a change alters the results of the same crystal and settings; then
earlier results are computed again."""

PASSING: Final = ("killed", "no-memory")
"""Codes of rejects that may succeed in the next run."""

Row = dict[str, Any]


class Done(NamedTuple):
    """The result of one crystal: its row of the table or its reject, and whether an earlier run had it already."""

    outcome: Row | Reject
    kept: bool = False


class DftWorker:
    """Computes the crystals of entries; writes a field file in ``out/fields``, and then a record in ``out/parts``."""

    def __init__(self, settings: DftSettings) -> None:
        self._settings = settings
        self._code = code()

    def __call__(self, part: Part[Entry]) -> list[Done]:
        """Compute the crystals of an entry, unless an earlier run has done so.

        Raises:
            HpcvoxError: GPAW cannot be imported, or a file cannot be written.
        """
        (entry,) = part.items
        # the id may come from a file name with bytes that are no text
        entry = entry._replace(id=plain(entry.id), origin=plain(entry.origin))
        results = parse(entry, part.fatal.get(0))
        return [self._done(result) if isinstance(result, Crystal) else Done(result) for result in results]

    def _done(self, crystal: Crystal) -> Done:
        try:
            cell = self._cell(crystal)
            electrons = valence(cell.numbers)
        except Rejected as reason:
            return Done(Reject.of(crystal, reason))
        part = self._settings.out / PARTS / f"{self._key(cell)}.json"
        if (known := self._known(part, cell)) is not None:
            return Done(known, kept=True)
        try:
            row = self._computed(cell, electrons, part)
        except Rejected as reason:
            if reason.code not in PASSING:
                note = {"code": reason.code, "message": str(reason), "timeout_s": self._settings.timeout_s}
                write(part, json.dumps(note) + "\n")
            return Done(Reject.of(crystal, reason))
        return Done(row)

    def _cell(self, crystal: Crystal) -> Crystal:
        """The crystal in the cell that will be computed."""
        most = self._settings.max_sites
        if crystal.n_sites > 100 * most:  # too many even for its primitive cell
            refuse_many_sites(crystal, most)
        cell = primitive(crystal) if self._settings.cell == "primitive" else crystal
        refuse_many_sites(cell, most)
        refuse_sharp(cell.lattice, ": take cell=primitive")
        return cell

    def _key(self, cell: Crystal) -> str:
        """XXH3-128 (hex) of everything that determines the crystal's field, and of its id."""
        place = [cell.id, cell.lattice.tolist(), cell.frac.tolist(), cell.numbers.tolist()]
        everything = json.dumps([RECIPE, self._code, self._settings.fixed(), *place])
        return xxhash.xxh3_128_hexdigest(everything.encode())

    def _known(self, part: Path, cell: Crystal) -> Row | Reject | None:
        """The result of an earlier run, if it is undamaged and still valid; else None."""
        try:
            note = json.loads(part.read_bytes())
            if "code" not in note:
                field = (self._settings.out / FIELDS / note["row"]["file"]).read_bytes()
                row: Row = note["row"]
                return row if xxhash.xxh3_128_hexdigest(field) == note["digest"] else None
            if note["code"] == "timeout" and note["timeout_s"] < self._settings.timeout_s:
                return None
            return Reject(cell.id, cell.origin, note["code"], note["message"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _computed(self, cell: Crystal, electrons: dict[str, tuple[int, int]], part: Path) -> Row:
        settings = self._settings
        request = self._request(cell)
        begun = time.monotonic()
        result = solve(request, settings.out / SCRATCH, settings.timeout_s)
        seconds = time.monotonic() - begun
        total = sum(count * each for count, each in electrons.values())
        density = result.density
        volume = abs(float(np.linalg.det(cell.lattice)))
        if not (
            density.shape == tuple(request["shape"])
            and density.min() >= 0  # also false for NaN
            and abs(float(density.mean()) * volume - total) < 1e-8 * total
        ):
            raise Rejected("failed", "the density is not what was asked for")
        sets = " ".join(f"{symbol}:{each}" for symbol, (_, each) in electrons.items())
        method = (
            f"{self._code} {settings.xc} PW {settings.cutoff:g} eV k-density {settings.k_density:g} "
            f"({result.k_points}); valence density, Gaussian {settings.sigma:g} Å; {total} electrons ({sets})"
        )
        text = chgcar_text(cell, density, f"{cell.id[:200]}: {method}")
        row = self._row(cell, result, total, sets, seconds)
        write(settings.out / FIELDS / row["file"], text)
        digest = xxhash.xxh3_128_hexdigest(text.encode())
        write(part, json.dumps({"row": row, "digest": digest}) + "\n")
        return row

    def _request(self, cell: Crystal) -> Request:
        settings = self._settings
        return Request(
            lattice=cell.lattice.tolist(),
            frac=cell.frac.tolist(),
            numbers=cell.numbers.tolist(),
            valence=[VALENCE[SYMBOLS[z]] for z in cell.numbers.tolist()],
            moments=moments(cell.numbers, settings.spin),
            xc=settings.xc,
            cutoff=settings.cutoff,
            k_density=settings.k_density,
            smearing=settings.smearing,
            max_iterations=settings.max_iterations,
            sigma=settings.sigma,
            shape=grid_shape(cell.lattice, settings.voxels, settings.sigma),
        )

    def _row(self, cell: Crystal, result: Result, electrons: int, sets: str, seconds: float) -> Row:
        settings = self._settings
        return {
            "id": cell.id,
            "file": field_file(cell.id, settings.xc),
            "formula": cell.formula,
            "sites": cell.n_sites,
            "energy_eV": f"{result.energy:.6f}",
            "energy_per_atom_eV": f"{result.energy / cell.n_sites:.6f}",
            "electrons": electrons,
            "moment": f"{result.moment:.4f}",
            "seconds": f"{seconds:.1f}",
            "converged": 1,
            "iterations": result.iterations,
            "cutoff_eV": f"{settings.cutoff:g}",
            "k_points": result.k_points,
            "xc": settings.xc,
            "valence": sets,
            "code": self._code,
            "cif": cif_text(cell),
        }
