"""What a fetch has brought, as the reader of featurize sees it."""

from collections.abc import Callable
from pathlib import Path

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Reject
from hpcvox.crystals.sources.source import open_source
from hpcvox.process.outcome import Outcome

Fetch = Callable[..., tuple[Outcome, Path]]
"""Fetches to a folder of the name given, with settings of its own; what the job says, and the folder."""


def parsed(out: Path) -> dict[str, Crystal | Reject]:
    """What the source at ``out`` comes to, by id."""
    results = {}
    for entry in open_source(out / "crystals.jsonl.gz"):
        (result,) = parse(entry)
        results[result.id] = result
    return results
