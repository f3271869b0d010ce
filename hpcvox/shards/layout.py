"""The shard format: one HDF5 file of samples that h5py alone can open.

A *shard set* is a folder: ``shard-00000.h5`` …, ``manifest.json`` (written last, so that a set with a
manifest is whole), ``rejects.csv`` and ``set.h5`` (see ``virtual``).
Unless it was merged from several, shard k holds the entries [k·S, (k+1)·S) of its source, in the
source's order, each exactly once: as a sample (or several, where a file holds several structures) or as
a reject.  Every dataset is contiguous and uncompressed, so that a sample's bytes lie at
``dataset.id.get_offset() + i * nbytes`` and a loader can read them without HDF5.

Sample arrays of m samples; each dataset has the attributes ``unit``, ``axes`` and ``about``.  Those whose first
axis is ``sample`` have one row a sample.  Others are ragged: with the first axis ``site``, say, those of sample i are
the rows ``site_offset[i]:site_offset[i+1]``.  Every descriptor has ``cell``; these are those of ``density``:

====================  ===================  =============================================================
``cell``              (m, 3, 3) f8         Å, rows are the cell vectors
``density``           (m, n, n, n) f2|f4   e/Å³, at the voxel centres; axes sample, a, b, c
``species``           (m, n, n, n) u1      atomic number, 0 where there is no atom
``mask``              (m, n, n, n/8) u1    ``numpy.packbits(species > 0, axis=-1)``
====================  ===================  =============================================================

Tables, written beside them for every descriptor:

====================  ===================  =============================================================
``entry``             (m,) i8              index of the sample's entry in the source
``id``                (m,) S               identifier; UTF-8, padded with NUL, as all text here
``formula``           (m,) S               reduced formula
``origin``            (m,) S               file, row or archive member that it came from
``remark``            (m,) S               codes of what its file and its atoms disagree in; empty: nothing
``site_offset``       (m + 1,) i8          the sites of sample i are rows site_offset[i]:site_offset[i+1]
``site_number``       (k,) u1              atomic number of each site
``site_frac``         (k, 3) f8            fractional coordinates
``targets/<name>``    (m,) f8              NaN where absent; ``/`` and ``%`` in a name are percent-encoded
``checksum``          (m, 16) u1           XXH3-128 of the sample's arrays, in the order of ``arrays``
``rejects/<column>``  (r,)                 ``entry`` i8, ``id``, ``origin``, ``code``, ``message`` S
====================  ===================  =============================================================

Root attributes: ``format``, ``version``, ``descriptor``, ``grid``, ``arrays`` (names of the sample arrays),
``settings`` (JSON, all that decides the bytes), ``code_version``, ``entries_digest`` (XXH3-128 of the raw
entries), ``first_entry``, ``n_entries``, and ``digest``: XXH3-128 of every table and attribute, the sample
checksums among them, so that one value stands for the whole shard.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

FORMAT = "hpcvox-shards"
VERSION = 1
MANIFEST = "manifest.json"
REJECTS = "rejects.csv"
REJECT_COLUMNS = ("id", "origin", "code", "message")


SAMPLE, SITE, REJECT = "sample", "site", "reject"
"""What a row is, of those that several tables have."""


class TableSpec(NamedTuple):
    """One table: its type (``S`` is text of any length), what a row is, and the shape of one."""

    dtype: str
    rows: str
    shape: tuple[int, ...] = ()


TABLES: Final = {
    "checksum": TableSpec("u1", SAMPLE, (16,)),
    "cell": TableSpec("f8", SAMPLE, (3, 3)),
    "entry": TableSpec("i8", SAMPLE),
    **{name: TableSpec("S", SAMPLE) for name in ("id", "formula", "origin", "remark")},
    "site_number": TableSpec("u1", SITE),
    "site_frac": TableSpec("f8", SITE, (3,)),
    "rejects/entry": TableSpec("i8", REJECT),
    **{f"rejects/{column}": TableSpec("S", REJECT) for column in REJECT_COLUMNS},
}
"""Every table but the targets, which are (m,) f8, and the offsets, (m + 1,) i8."""

TARGET: Final = TableSpec("f8", SAMPLE)


@dataclass(frozen=True)
class ArraySpec:
    """One sample array: what a row of it looks like and what its numbers mean.

    ``rows`` names what a row is: the sample itself, or one of the many that a sample has (a site, a spot).
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    unit: str
    axes: tuple[str, ...]
    about: str
    rows: str = SAMPLE


CELL = ArraySpec("cell", (3, 3), "float64", "Å", ("vector", "xyz"), "rows are the cell vectors")


def density_arrays(n: int, dtype: str) -> tuple[ArraySpec, ...]:
    """Sample arrays of the density descriptor on an n³ grid (n a multiple of 8), density as ``dtype``."""
    axes = ("a", "b", "c")
    return (
        ArraySpec("density", (n, n, n), dtype, "e/Å^3", axes, "Gaussian atoms at the voxel centres"),
        ArraySpec("species", (n, n, n), "uint8", "1", axes, "atomic number of the nearest site, 0: none"),
        ArraySpec("mask", (n, n, n // 8), "uint8", "1", axes, "packed bits of species > 0 along c"),
        CELL,
    )


def shard_name(index: int) -> str:
    """File name of shard ``index``."""
    return f"shard-{index:05d}.h5"


def encode_name(name: str) -> str:
    """A target's name as the name of an HDF5 dataset (``/`` would open a group, ``.`` is the group)."""
    safe = name.replace("%", "%25").replace("/", "%2F").replace("\0", "%00")
    return "%2E" + safe[1:] if safe.startswith(".") else safe


def decode_name(name: str) -> str:
    """The inverse of :func:`encode_name`."""
    return name.replace("%2E", ".").replace("%00", "\0").replace("%2F", "/").replace("%25", "%")
