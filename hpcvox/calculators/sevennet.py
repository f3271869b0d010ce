"""SevenNet-0 (11 July 2024), a pretrained universal potential (Park et al. 2024, doi:10.1021/acs.jctc.4c00190).

It is trained on the same trajectories as CHGNet, by another network, and on the energies of DFT as they are.
"""

import importlib.metadata
import importlib.util
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hpcvox.calculators.checkpoint import refuse_code
from hpcvox.errors import ConfigError

MODEL: Final = "7net-0"
"""Of those in the package: the quickest, half the time of 7net-l3i5."""


def installed() -> bool:
    """Whether SevenNet can be imported; looks for it without loading it."""
    return importlib.util.find_spec("sevenn") is not None


def name() -> str:
    """Package, version and model, as tables name the energy's model."""
    return f"sevenn-{importlib.metadata.version('sevenn')} {MODEL}"


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise :class:`ConfigError` where there are parameters: energies of other models are nothing to those of this."""
    if parameters:
        raise ConfigError(
            f"stages: sevennet takes no parameters (given: {', '.join(parameters)}): it is {MODEL}; for another model "
            "take calculator=sevenn.calculator:SevenNetCalculator"
        )


def calculator() -> Any:
    """SevenNet-0 as a calculator of ASE, on the CPU, from the file in its package: nothing is fetched.

    Raises:
        ConfigError: the file would run code.
    """
    import torch

    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sevenn import _const
        from sevenn.calculator import SevenNetCalculator

        path = Path(_const.SEVENNET_0_11Jul2024)
        refuse_code(path, "sevennet")
        return SevenNetCalculator(path, device="cpu")
