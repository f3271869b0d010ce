"""What will become of a source, told before the work starts, by its first inputs.

They are parsed in a process of their own: one that ends or delays it costs the forecast alone.
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
"""Inputs at most: they take a second or two."""

WAITS_S: Final = 20
"""Time after which there is no forecast."""

_WOULD_NOT: Final = {
    "not-cubic": "shapes=any takes them, shapes=orthogonal those of right angles",
    "not-orthogonal": "shapes=any takes them",
    "too-many-sites": "a higher max_sites takes them",
}
"""The settings with which crystals would not be refused, by the code of the reject."""


class Seen(NamedTuple):
    """A crystal that is taken, as far as it can be told without making its arrays."""

    formula: str
    targets: dict[str, float]


class Forecast(NamedTuple):
    """What the first inputs of a source come to."""

    entries: int
    whole: bool  # whether these are all of the source
    crystals: list[Seen]
    refused: dict[str, int]  # by code

    def warning(self, source: str) -> str:
        """How many will be refused, why, and with which settings they would not; empty where no setting helps."""
        if not self.refused.keys() & _WOULD_NOT.keys():
            return ""
        which = counted(self.entries, "input") if self.whole else f"the first {self.entries:,} inputs"
        reasons = ", ".join(
            f"{count:,} {code}" + (f" ({_WOULD_NOT[code]})" if code in _WOULD_NOT else "")
            for code, count in Counter(self.refused).most_common()
        )
        return f"of {which} of {source} {sum(self.refused.values()):,} will be refused: {reasons}"


def forecast(settings: FeaturizeSettings, most: int = LOOKED_AT) -> Forecast | None:
    """What the first ``most`` inputs of the source come to; None where that cannot be told soon."""
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
    """Parse the first ``most`` inputs of ``source``, and see for which crystals the descriptor has a cell."""
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
