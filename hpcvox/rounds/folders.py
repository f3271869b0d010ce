"""The names of a campaign's folders and files."""

from pathlib import Path
from typing import Final, NamedTuple

FINDS: Final = "finds.csv"
ROUNDS: Final = "rounds.csv"
PAGE: Final = "finds.html"
CIFS: Final = "cifs"
"""Folder with the CIFs of crystals; that of the campaign has all finds."""
FINAL: Final = "final"
"""Folder of the final selection."""
REPLAY: Final = "replay"
"""Folder with the crystals that every training has beside the finds."""


class Round(NamedTuple):
    """One round of the campaign in the folder ``out``."""

    out: Path
    number: int
    """Counted from 1."""

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"round-{self.number:03d}"

    @property
    def folder(self) -> Path:
        """The folder with everything that the round makes."""
        return self.out / self.name

    @property
    def generated(self) -> Path:
        """Folder of ``generate``: the candidates."""
        return self.folder / "generated"

    @property
    def judged(self) -> Path:
        """Folder of ``judge``: which candidates are valid, plausible and new."""
        return self.folder / "judged"

    @property
    def chosen(self) -> Path:
        """Folder of the candidates that are to be relaxed."""
        return self.folder / "chosen"

    @property
    def screened(self) -> Path:
        """Folder of ``screen``, if a property is wanted: the chosen candidates that are predicted to have it."""
        return self.folder / "screened"

    @property
    def predicted(self) -> Path:
        """Folder of the second ``screen``: the predicted properties of the relaxed crystals."""
        return self.folder / "predicted"

    @property
    def relaxed(self) -> Path:
        """Folder of ``relax``: the relaxed crystals."""
        return self.folder / "relaxed"

    @property
    def hull(self) -> Path:
        """Folder of ``hull``: the energies above the hull."""
        return self.folder / "hull"

    @property
    def kept(self) -> Path:
        """Folder of the finds; it also says why the other relaxed crystals are no finds."""
        return self.folder / "kept"

    @property
    def training(self) -> Path:
        """Table of the crystals that the round's network is trained on."""
        return self.folder / "training.csv"

    @property
    def shards(self) -> Path:
        """Folder of ``featurize``: the voxels of these crystals."""
        return self.folder / "shards"

    @property
    def vae(self) -> Path:
        """Folder of ``train-vae``: the network that the next round draws with."""
        return self.folder / "vae"

    @property
    def before(self) -> "Round":
        """The round before this one."""
        return self._replace(number=self.number - 1)
