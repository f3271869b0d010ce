"""What a checkpoint of a potential may hold."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from hpcvox.calculators.checkpoint import refuse_code
from hpcvox.errors import ConfigError


class Deadly:
    """Pickled, it makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_that_would_run_code_is_refused_and_not_loaded(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint.pth"
    torch.save({"model_state_dict": {"w": torch.ones(2)}, "config": {"shift": np.ones(3)}}, checkpoint)
    refuse_code(checkpoint, "sevennet")
    torch.save({"config": Deadly(tmp_path / "made")}, checkpoint)
    with pytest.raises(ConfigError, match=r"names posix\.mkdir, which loading it would run"):
        refuse_code(checkpoint, "sevennet")
    assert not (tmp_path / "made").exists()
