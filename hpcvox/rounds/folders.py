"""Where a campaign has what: its folders and files, by name."""

from pathlib import Path
from typing import Final, NamedTuple

FINDS: Final = "finds.csv"
ROUNDS: Final = "rounds.csv"
PAGE: Final = "finds.html"
CIFS: Final = "cifs"
"""Of all finds."""
REPLAY: Final = "replay"
"""Folder of what every training has beside the finds."""


class Round(NamedTuple):
    """One round of the campaign in ``out``."""

    out: Path
    number: int
    """From 1."""

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"round-{self.number:03d}"

    @property
    def folder(self) -> Path:
        """Where it has everything."""
        return self.out / self.name

    @property
    def generated(self) -> Path:
        """Of ``generate``."""
        return self.folder / "generated"

    @property
    def judged(self) -> Path:
        """Of ``judge``."""
        return self.folder / "judged"

    @property
    def chosen(self) -> Path:
        """What is relaxed of the judged."""
        return self.folder / "chosen"

    @property
    def screened(self) -> Path:
        """Of ``screen``, where something is wanted: those of the chosen that are predicted so."""
        return self.folder / "screened"

    @property
    def predicted(self) -> Path:
        """Of ``screen`` once more: what the relaxed are predicted."""
        return self.folder / "predicted"

    @property
    def relaxed(self) -> Path:
        """Of ``relax``."""
        return self.folder / "relaxed"

    @property
    def hull(self) -> Path:
        """Energies above the hull."""
        return self.folder / "hull"

    @property
    def kept(self) -> Path:
        """The finds, and why the others are none."""
        return self.folder / "kept"

    @property
    def training(self) -> Path:
        """The crystals that its training has, a table."""
        return self.folder / "training.csv"

    @property
    def shards(self) -> Path:
        """Of ``featurize``."""
        return self.folder / "shards"

    @property
    def vae(self) -> Path:
        """Of ``train-vae``: the network of the next round."""
        return self.folder / "vae"

    @property
    def before(self) -> "Round":
        """The round before."""
        return self._replace(number=self.number - 1)
