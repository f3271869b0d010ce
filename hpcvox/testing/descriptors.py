"""Checks of descriptors and their samplers."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcvox.actors.campaign import Part
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.errors import Rejected
from hpcvox.featurize.descriptor import DESCRIPTORS, Descriptor
from hpcvox.featurize.sampler import Sampler, sampler
from hpcvox.featurize.settings import FREE, FeaturizeSettings
from hpcvox.featurize.worker import ShardWorker
from hpcvox.shards.layout import CELL, SAMPLE, SITE, ArraySpec
from hpcvox.shards.verify import verify_shard

Arrays = dict[str, NDArray[Any]]


def check_descriptor(
    descriptor: Descriptor, crystals: Sequence[Crystal], folder: Path, **given: Any
) -> FeaturizeSettings:
    """Check everything of a descriptor that the featurization job relies on.

    hpcvox finds the descriptor by its name.  All its settings have descriptions.  Its sampler passes
    :func:`check_sampler`.  The same entries give the same shard, with valid checksums, wherever it is written.

    Args:
        descriptor: the record of the descriptor.
        crystals: some crystals, at least one of which it can describe.
        folder: a new folder, for two shards.
        given: settings that differ from the defaults.

    Returns:
        The settings.

    Raises:
        AssertionError: a check fails.
    """
    name = descriptor.name
    assert DESCRIPTORS.named(name) == descriptor, (
        f"{name} is not what hpcvox finds by this name: an entry point"
    )
    kind = descriptor.load("settings")
    assert issubclass(kind, FeaturizeSettings), f"the settings of {name} are no FeaturizeSettings"
    settings: FeaturizeSettings = kind(out=folder / "one", **given)
    assert settings.descriptor == name, f"the settings of {name} have descriptor={settings.descriptor}"
    mute = [key for key, field in kind.model_fields.items() if not field.description]
    assert not mute, f"settings without a description: {', '.join(mute)}"
    assert not set(FREE) & set(settings.fixed()), (
        "settings that do not decide a shard's bytes are stored in it"
    )
    check_sampler(sampler(settings), crystals)
    digests = []
    for made in (settings, settings.model_copy(update={"out": folder / "two"})):
        made.out.mkdir(parents=True)
        texts = [(crystal.id, cif_text(crystal).encode()) for crystal in crystals]
        entries = [Entry(n, id, f"made:{n}", text, {}) for n, (id, text) in enumerate(texts)]
        line = ShardWorker(made)(Part(0, entries)).line
        assert line is not None
        assert line.samples, "no crystal is described"
        assert line.samples + line.rejects == len(entries), "a crystal is neither a sample nor a reject"
        assert not verify_shard(made.out / line.file, line), "the shard is damaged"
        digests.append(line.digest)
    assert digests[0] == digests[1], "the same entries make other bytes"
    return settings


def check_sampler(made: Sampler, crystals: Sequence[Crystal]) -> None:
    """Check that a sampler fills all arrays that it announces, and that equal inputs give equal arrays.

    Raises:
        AssertionError: an array is not filled or has another shape or dtype, or depends on earlier crystals.
    """
    names = [spec.name for spec in made.arrays]
    assert len(set(names)) == len(names), "two arrays have one name"
    assert CELL in made.arrays, "cell is among the arrays: every sample has it, and the job fills it"
    for spec in made.arrays:
        assert spec.name.isidentifier(), f"{spec.name!r} is no name"
        assert len(spec.axes) == len(spec.shape), f"{spec.name} has an axis without a name"
        assert np.dtype(spec.dtype).kind in "fiu", f"{spec.name} is of {spec.dtype}, and numbers are needed"
    first = [_described(made, crystal, n, 0x00) for n, crystal in enumerate(crystals)]
    numbered = reversed(list(enumerate(crystals)))
    again = [_described(made, crystal, n, 0x3F) for n, crystal in numbered][::-1]
    assert any(one is not None for one in first), "no crystal is described"
    for crystal, one, other in zip(crystals, first, again, strict=True):
        assert (one is None) == (other is None), f"{crystal.id} is rejected once and not again"
        for name in one or ():
            assert one is not None
            assert other is not None
            same = one[name].tobytes() == other[name].tobytes()
            assert same, f"{name} of {crystal.id} is not filled, or depends on what was described before"


def _described(made: Sampler, crystal: Crystal, number: int, byte: int) -> Arrays | None:
    """All arrays of a crystal, in slots filled with ``byte`` before; None if the sampler rejects it."""
    slot = {spec.name: _filled(spec, byte) for spec in made.arrays if spec.rows == SAMPLE}
    try:
        prepared = made.prepare(crystal)
        ragged = made.fill(prepared, (number, 0), slot)
    except Rejected:
        return None
    del slot["cell"]
    wanted = {spec.name: spec for spec in made.arrays if spec.rows != SAMPLE}
    assert set(ragged) == set(wanted), f"fill returns {sorted(ragged)}, and {sorted(wanted)} are announced"
    rows: dict[str, int] = {SITE: prepared.n_sites}
    for name, spec in wanted.items():
        _check_ragged(spec, ragged[name], rows)
    return slot | {name: np.ascontiguousarray(array) for name, array in ragged.items()}


def _filled(spec: ArraySpec, byte: int) -> NDArray[Any]:
    dtype = np.dtype(spec.dtype)
    return np.full(math.prod(spec.shape) * dtype.itemsize, byte, np.uint8).view(dtype).reshape(spec.shape)


def _check_ragged(spec: ArraySpec, array: NDArray[Any], rows: dict[str, int]) -> None:
    assert array.shape[1:] == spec.shape, f"{spec.name} is {array.shape}, and a row is {spec.shape}"
    assert np.can_cast(array.dtype, spec.dtype, "same_kind"), (
        f"{spec.name} is of {array.dtype}, not {spec.dtype}"
    )
    count = rows.setdefault(spec.rows, len(array))
    assert len(array) == count, f"{spec.name} has {len(array)} rows, and there are {count} of {spec.rows}"
