"""Predicts from the first inputs of a source how many will be rejected and why, before the work starts.

A separate process parses these inputs.  If one of them kills or delays that process, only the forecast is lost.
"""

import json
import subprocess
import sys
from collections import Counter
from itertools import islice
from typing import Final, NamedTuple

from hpcvox import config
from hpcvox.crystals.checks import refuse_many_sites
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import Source, open_source
from hpcvox.errors import Rejected
from hpcvox.featurize.sampler import sampler
from hpcvox.featurize.settings import FeaturizeSettings, R3dvsSettings
from hpcvox.terminal import counted, say

LOOKED_AT: Final = 200
"""Most inputs that a forecast parses, which takes a second or two."""

WAITS_S: Final = 20
"""A forecast that takes longer (in seconds) is given up."""

_WOULD_NOT: Final = {
    "not-cubic": "shapes=any takes them, shapes=orthogonal those of right angles",
    "not-orthogonal": "shapes=any takes them",
    "too-many-sites": "a higher max_sites takes them",
}
"""For each code of a reject, the setting with which such crystals would be taken."""


class Seen(NamedTuple):
    """A crystal that will be taken, as far as one can tell without computing its arrays."""

    formula: str
    targets: dict[str, float]


class Forecast(NamedTuple):
    """The crystals and rejects among the first inputs of a source."""

    entries: int
    whole: bool  # whether the source has no further inputs
    crystals: list[Seen]
    refused: dict[str, int]  # number of rejects by code

    def warning(self, source: str) -> str:
        """A sentence: how many will be refused, why, and which settings take them; empty if no setting helps."""
        if not self.refused.keys() & _WOULD_NOT.keys():
            return ""
        which = counted(self.entries, "input") if self.whole else f"the first {self.entries:,} inputs"
        reasons = ", ".join(
            f"{count:,} {code}" + (f" ({_WOULD_NOT[code]})" if code in _WOULD_NOT else "")
            for code, count in Counter(self.refused).most_common()
        )
        return f"of {which} of {source} {sum(self.refused.values()):,} will be refused: {reasons}"


def forecast(settings: FeaturizeSettings, most: int = LOOKED_AT) -> Forecast | None:
    """Parse the first ``most`` inputs of the settings' source in a separate process.

    Returns:
        The forecast; None if it failed, took more than :data:`WAITS_S` seconds, or the inputs are large field files.
    """
    if isinstance(settings, R3dvsSettings) and settings.field == "file":  # large files, a second or more each
        return None
    command = [sys.executable, "-m", "hpcvox.featurize.forecast", str(most)]
    try:
        done = subprocess.run(
            command, input=config.dump(settings).encode(), capture_output=True, timeout=WAITS_S, check=True
        )
        entries, whole, crystals, refused = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Forecast(entries, whole, [Seen(*one) for one in crystals], refused)


def look(source: Source, settings: FeaturizeSettings, most: int) -> Forecast:
    """Parse the first ``most`` inputs of ``source``, and check which crystals have a cell that the descriptor takes."""
    filler = sampler(settings) if settings.grid_name else None
    refused: Counter[str] = Counter()
    crystals: list[Seen] = []
    entries = list(islice(source, most + 1))
    for entry in entries[:most]:
        for found in parse(entry):
            if not isinstance(found, Crystal):
                refused[found.code] += 1
                continue
            try:
                crystal = found if filler is None else filler.prepare(found)
                refuse_many_sites(crystal, settings.max_sites)
            except Rejected as reason:
                refused[reason.code] += 1
            else:
                crystals.append(Seen(crystal.formula, dict(crystal.targets)))
    return Forecast(len(entries[:most]), len(entries) <= most, crystals, dict(refused))


def _main() -> None:
    text = sys.stdin.buffer.read().decode()
    settings = config.parsed(FeaturizeSettings, text, "forecast")
    source = open_source(
        settings.source, settings.id_column, settings.cif_column, settings.targets, settings.targets_file
    )
    say(json.dumps(look(source, settings, int(sys.argv[1]))))


if __name__ == "__main__":
    _main()
