"""Density voxels as samples: which cells are taken, and when a shard is made anew."""

from pathlib import Path

import numpy as np
import pytest

from hpcvox import config
from hpcvox.actors.campaign import Part
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.errors import ConfigError, Rejected
from hpcvox.featurize.density import DensitySampler
from hpcvox.featurize.made import Made
from hpcvox.featurize.settings import DensitySettings
from hpcvox.featurize.worker import ShardWorker, found


def crystal(*lengths: float) -> Crystal:
    frac = np.array([[0.1, 0.2, 0.3], [0.6, 0.7, 0.8]])
    return Crystal("x", "x.cif", np.diag(lengths), frac, np.array([55, 17], np.uint8), {})


@pytest.mark.parametrize(
    ("lengths", "tolerance", "taken"),
    [
        ((5, 5, 5.004), None, True),
        ((5, 5, 5.02), None, False),
        ((5, 5, 5.02), 0.01, True),
        ((5, 5, 5.004), 1e-4, False),
    ],
)
def test_the_tolerance_says_what_is_cubic(
    lengths: tuple[float, ...], tolerance: float | None, taken: bool
) -> None:
    more = {} if tolerance is None else {"cubic_tolerance": tolerance}
    sampler = DensitySampler(DensitySettings.model_validate({"cell": "as-given", **more}))
    if taken:
        np.testing.assert_array_equal(sampler.prepare(crystal(*lengths)).lattice, np.diag(lengths))
    else:
        with pytest.raises(Rejected, match=r"is not cubic \(cubic_tolerance=") as error:
            sampler.prepare(crystal(*lengths))
        assert error.value.code == "not-cubic"


@pytest.mark.parametrize("value", ["0", "-0.001", "0.1", "tight"])
def test_a_tolerance_that_makes_no_sense_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=f"on the command line: cubic_tolerance={value}: cubic_tolerance: "):
        config.load(DensitySettings, None, [f"cubic_tolerance={value}"])


def test_a_shard_from_before_the_tolerance_and_the_exact_sum_is_made_anew(tmp_path: Path) -> None:
    """Its settings have no cubic_tolerance; so no set has shards of both."""

    class Before(DensitySettings):
        def fixed(self) -> dict[str, object]:
            return {key: value for key, value in super().fixed().items() if key != "cubic_tolerance"}

    text = b"x\n1\n4 0 0\n0 4 0\n0 0 4\nCs Cl\n1 1\nDirect\n.1 .2 .3\n.6 .7 .8\n"
    task = Part(0, [Entry(0, "x", "x", text, {}, None, "poscar")])
    line = ShardWorker(Before(out=tmp_path))(task).line
    assert line is not None
    assert line.samples == 1
    assert found(Before(out=tmp_path), Made(tmp_path), task) is not None
    assert found(DensitySettings(out=tmp_path), Made(tmp_path), task) is None
