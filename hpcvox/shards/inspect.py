"""``hpcvox shards info`` and ``verify``: print what a shard set holds, and whether it is undamaged."""

from pathlib import Path

import numpy as np

from hpcvox.process.outcome import Outcome
from hpcvox.progress import Progress
from hpcvox.shards.layout import REJECTS
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.verify import verify as find_damage
from hpcvox.terminal import counted, say

DAMAGED = 1
"""Exit status of ``verify`` if something is damaged."""


def info(folder: Path) -> Outcome:
    """Print a table of the contents of the shard set in ``folder``.

    Raises:
        ShardError: there is no complete shard set there.
    """
    shards = ShardSet.open(folder)
    manifest = shards.manifest
    size = sum(line.bytes for line in manifest.shards)
    rows = [
        ("descriptor", manifest.descriptor),
        ("source", manifest.source),
        ("entries", f"{manifest.n_entries:,}"),
        (
            "samples",
            f"{manifest.n_samples:,} in {counted(len(manifest.shards), 'shard')}, {size / 1e6:,.1f} MB",
        ),
        ("rejects", f"{manifest.n_rejects:,}"),
    ]
    rows += [(f"  {code}", f"{count:,}") for code, count in manifest.rejects_by_code.items()]
    rows += [(f"remark {code}", counted(count, "sample")) for code, count in manifest.remarks_by_code.items()]
    if manifest.n_samples:
        lengths = np.linalg.norm(shards.cells, axis=-1)
        for name in shards.array_names:
            row, *axes = shards.array_axes(name)
            shape = ", ".join(f"{a} {n}" for a, n in zip(axes, shards.array_shape(name), strict=True))
            rows.append(
                (
                    f"array {name}",
                    f"{shards.array_dtype(name)} for each {row}" + (f": {shape}" if shape else ""),
                )
            )
        rows += [
            ("formulas", f"{len(set(shards.formulas)):,} different"),
            ("cell lengths", f"{lengths.min():.3f} to {lengths.max():.3f} Å"),
        ]
        for name in shards.target_names:
            values = shards.target(name)
            known = values[np.isfinite(values)]
            rows.append(
                (f"target {name}", f"{counted(len(known), 'value')}, {known.min():.6g} to {known.max():.6g}")
                if len(known)
                else (f"target {name}", "0 values")
            )
    rows += [(f"set {key}", str(value)) for key, value in manifest.settings.items()]
    rows.append(("code", f"hpcvox {manifest.code_version}"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        say(f"{name:<{width}}  {value}")
    return Outcome(
        f"{folder}: {counted(manifest.n_samples, 'sample')}, {counted(manifest.n_rejects, 'reject')}"
    )


def verify(folder: Path) -> Outcome:
    """Check every sample of the shard set in ``folder`` and print what is damaged.

    Raises:
        ShardError: there is no readable manifest.
    """
    manifest = Manifest.load(folder)
    with Progress("verify", manifest.n_samples, "samples") as progress:
        damages = find_damage(folder, progress.advance)
    for damage in damages:
        say(f"{folder / damage.file}: {damage.sample or 'the file'}: {damage.what}")
    if not damages:
        return Outcome(f"{folder}: whole: the checksums of {counted(manifest.n_samples, 'sample')} match")
    files = sorted({damage.file for damage in damages})
    return Outcome(
        f"{folder}: {len(damages)} damaged in {len(files)} of {counted(len(manifest.shards), 'shard')} "
        f"({', '.join(files[:5])}{' …' if len(files) > 5 else ''}); "
        f"run the featurize job again to rebuild them alone ({REJECTS} and the rest stay)",
        DAMAGED,
    )
