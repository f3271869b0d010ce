"""The manifest of a shard set by itself."""

import subprocess
import sys

from tests.support.paths import ROOT


def test_a_manifest_is_read_without_hdf5() -> None:
    script = "import sys, hpcvox.shards.manifest; print([m for m in ('h5py', 'numba', 'torch') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
