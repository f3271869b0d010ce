"""``examples.npz``: some held-out densities and their reconstructions by a VAE, saved for people to look at."""

import zipfile
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import SummaryError
from hpcvox.files import durable
from hpcvox.networks.vae.card import EXAMPLES

_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


class Examples(NamedTuple):
    """Held-out densities in e/Å³, true and reconstructed, both (k, n, n, n) float32, and the ids of the k crystals."""

    true: NDArray[np.float32]
    reconstructed: NDArray[np.float32]
    ids: list[str]

    def save(self, folder: Path) -> None:
        """Write the file into ``folder`` atomically, with densities as float16."""
        with durable.written_aside(folder / EXAMPLES) as part, part.open("wb") as handle:
            np.savez_compressed(
                handle,
                density_true=self.true.astype(np.float16),
                density_reconstructed=self.reconstructed.astype(np.float16),
                ids=np.array([id.encode() for id in self.ids]),
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the file in ``folder``.

        Raises:
            SummaryError: there is none, or it is damaged or holds something else.
        """
        file = folder / EXAMPLES
        try:
            with np.load(file, allow_pickle=False) as arrays:
                true = arrays["density_true"].astype(np.float32)
                reconstructed = arrays["density_reconstructed"].astype(np.float32)
                ids = [id.decode(errors="replace") for id in arrays["ids"].tolist()]
        except FileNotFoundError:
            raise SummaryError(
                f"{folder} has no {EXAMPLES}: a VAE's training writes it with its first held-out figures"
            ) from None
        except (*_UNREADABLE, AttributeError) as error:
            raise SummaryError(f"{file} cannot be read ({error})") from None
        if true.ndim != 4 or true.shape != reconstructed.shape or len(ids) != len(true) or not len(true):
            shapes = f"{true.shape} and {reconstructed.shape}"
            raise SummaryError(
                f"{file} is not what it should be: densities of shape {shapes}, {len(ids)} ids"
            )
        if not (np.isfinite(true).all() and np.isfinite(reconstructed).all()):
            raise SummaryError(f"{file} has densities that are not finite")
        return cls(true, reconstructed, ids)
