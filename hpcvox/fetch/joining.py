"""The end of a fetch: joins its pages, writes a card about it, and makes the last line for the user."""

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import xxhash

from hpcvox.errors import SourceError
from hpcvox.fetch.pages import Pages
from hpcvox.fetch.provider import Database
from hpcvox.fetch.settings import FetchSettings
from hpcvox.files import durable
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS, Outcome, rejects_told
from hpcvox.shards.layout import REJECT_COLUMNS, REJECTS
from hpcvox.terminal import counted

CRYSTALS: Final = "crystals.jsonl.gz"
CARD: Final = "fetch.json"


def join(settings: FetchSettings, database: Database, pages: Pages) -> dict[str, Any]:
    """Write the files of a fetch that has all its pages."""
    out = settings.out
    targets = dict.fromkeys(settings.properties, 0)
    count = 0
    with (
        durable.written_aside(out / CRYSTALS) as part,
        part.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as file,  # no name and no time: the same bytes each time
    ):
        for line in pages.crystals():
            file.write(line)
            count += 1
            for name in targets.keys() & json.loads(line).keys():
                targets[name] += 1
    first, last = pages.headers[0].meta, pages.headers[-1].meta
    rows = [row for header in pages.headers for row in header.rejects]
    if told := _missing(last, pages.entries, settings):
        message = f"the database told of {told} and gave {pages.entries}: fetch anew, or ask its provider"
        rows.append(["", database.base, "incomplete", message])
    durable.write_csv(
        out / REJECTS, REJECT_COLUMNS, (dict(zip(REJECT_COLUMNS, row, strict=True)) for row in rows)
    )
    card = {
        "format": "hpcvox-fetch",
        "version": 1,
        "provider": settings.provider,
        "url": database.base,
        **settings.question,
        "database": first["provider"],
        "database_version": first.get("database_version"),
        "license": database.license,
        "api_version": database.api_version,
        "queried": first["time_stamp"],
        "data_returned": last["data_returned"],
        "data_available": last["data_available"],
        "structures": pages.entries,
        "crystals": count,
        "targets": targets,
        "units": database.units,
        "rejects": dict(sorted(Counter(row[2] for row in rows).items())),
        "file": CRYSTALS,
        "bytes": (out / CRYSTALS).stat().st_size,
        "xxh3_128": _digest(out / CRYSTALS),
    }
    durable.write_json(out / CARD, card)
    return card


def finished(out: Path) -> dict[str, Any]:
    """Read the card of a finished fetch.

    Raises:
        SourceError: the file of crystals has changed since.
    """
    try:
        card: dict[str, Any] = json.loads((out / CARD).read_bytes())
        if card["xxh3_128"] == _digest(out / CRYSTALS):
            return card
        problem = "is not what was fetched"
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"cannot be checked against {CARD} ({type(error).__name__}: {error})"
    raise SourceError(f"{out / CRYSTALS} {problem}: remove {out} to fetch it anew")


def _missing(meta: dict[str, Any], came: int, settings: FetchSettings) -> str:
    """A sentence if the database announced another number of structures than came; else empty."""
    expected = announced(meta, settings)
    if expected is not None and expected != came:
        return counted(int(expected), "structure")
    return "more" if meta["more"] and came != settings.limit else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()


def announced(meta: dict[str, Any], settings: FetchSettings) -> int | None:
    """How many structures should come, if the database says so; else None."""
    count = meta.get("data_returned")
    if not isinstance(count, int):
        return None
    return count if settings.limit is None else min(count, settings.limit)


def outcome(out: Path, card: dict[str, Any], again: str) -> Outcome:
    """The outcome of a fetch with this ``card``; ``again`` is added if nothing was done."""
    came = f"{counted(card['crystals'], 'crystal')} of {counted(card['structures'], 'structure')}"
    parts = [f"fetch: {came} of {card['database'] or card['url']}: {out / CRYSTALS}"]
    parts += [f"{name} of {count:,}" for name, count in card["targets"].items() if count < card["crystals"]]
    if card["rejects"]:
        parts.append(rejects_told(card["rejects"], out / REJECTS))
    return Outcome("; ".join(parts) + again, COMPLETE_WITH_REJECTS if card["rejects"] else COMPLETE)
