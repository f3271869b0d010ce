"""``densities.npz``: some of the decoded densities, which ``hpcvox generate`` saves so that people can look at them."""

import zipfile
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import SummaryError
from hpcvox.files import durable

FILE: Final = "densities.npz"
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile)


class Densities(NamedTuple):
    """Decoded densities in e/Å³, (k, n, n, n) float32, and the ids of their k candidates."""

    density: NDArray[np.float32]
    ids: list[str]

    def save(self, folder: Path) -> None:
        """Write the file into ``folder`` atomically, as float16; values are clipped to the range of float16."""
        limit = float(np.finfo(np.float16).max)
        with durable.written_aside(folder / FILE) as part, part.open("wb") as handle:
            np.savez_compressed(
                handle,
                density=self.density.clip(-limit, limit).astype(np.float16),
                ids=np.array([id.encode() for id in self.ids]),
            )

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read the file in ``folder``; None if there is none.

        Raises:
            SummaryError: the file is damaged or holds something else.
        """
        file = folder / FILE
        try:
            with np.load(file, allow_pickle=False) as arrays:
                density = arrays["density"].astype(np.float32)
                ids = [id.decode(errors="replace") for id in arrays["ids"].tolist()]
        except FileNotFoundError:
            return None
        except _UNREADABLE as error:
            raise SummaryError(f"{file} cannot be read ({error})") from None
        if density.ndim != 4 or len(ids) != len(density) or not len(density):
            raise SummaryError(f"{file} is not what it should be: shape {density.shape}")
        return cls(density, ids)
