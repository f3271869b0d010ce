"""Checkpoints of potentials, which their packages unpickle: looked at before they are loaded."""

from pathlib import Path
from typing import Final

from hpcvox.errors import ConfigError

_DATA: Final = frozenset(
    {
        *("numpy.ndarray", "numpy.dtype"),
        # of NumPy 1 and 2
        *("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"),
    }
)
"""What a checkpoint may name besides tensors, texts and numbers."""


def refuse_code(path: Path, calculator: str) -> None:
    """See that a checkpoint holds data alone.

    Raises:
        ConfigError: it names what loading it would run.
    """
    from torch.serialization import get_unsafe_globals_in_checkpoint

    if named := set(get_unsafe_globals_in_checkpoint(path)) - _DATA:
        raise ConfigError(
            f"stages: {calculator}: {path} names {', '.join(sorted(named))[:200]}, which loading it would run: install "
            "the package anew"
        )
