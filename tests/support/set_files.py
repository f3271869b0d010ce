"""What the tests of shard sets ask of a ``set.h5``."""

from pathlib import Path

import h5py
import numpy as np

from hpcvox.shards.layout import SET, encode_name
from hpcvox.shards.reading.shard_set import ShardSet


def check_equal(folder: Path) -> None:
    """Everything in ``set.h5`` is what ShardSet reads of the shards."""
    shards = ShardSet.open(folder)
    shards._index = None  # else this would be the file itself
    every = np.arange(len(shards))
    with h5py.File(folder / SET) as file:
        for name in ("density", "species", "mask", "cell"):
            assert file[name].is_virtual
            stored = shards.read_array(name, every)
            assert file[name].dtype == stored.dtype
            np.testing.assert_array_equal(file[name][:], stored)
            for i in every:
                np.testing.assert_array_equal(file[name][i], stored[i])
        for name, texts in (("id", shards.ids), ("formula", shards.formulas), ("origin", shards.origins)):
            assert file[name].asstr()[:].tolist() == texts
        assert sorted(file["targets"]) == [encode_name(name) for name in shards.target_names]
        for name in shards.target_names:
            np.testing.assert_array_equal(file[f"targets/{encode_name(name)}"][:], shards.target(name))
