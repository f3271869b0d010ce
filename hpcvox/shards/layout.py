"""The shard format: one HDF5 file of samples that h5py alone can open.

A *shard set* is a folder: ``shard-00000.h5`` …, ``manifest.json`` (written last, so that a set with a manifest is
complete), ``rejects.csv`` and ``set.h5`` (see ``virtual``); beside a large set trainings keep its splits.

Shard k holds the entries [k·S, (k+1)·S) of its source (unless the set was merged from several), in the order of the
source, each exactly once: as a sample, as several samples (if a file holds several structures) or as a reject.  Every
dataset is contiguous and uncompressed.  So the bytes of sample i lie at ``dataset.id.get_offset() + i * nbytes``, and
can be read without HDF5.

Sample arrays hold m samples; each dataset has the attributes ``unit``, ``axes`` and ``about``.  If the first axis is
``sample``, there is one row for each sample.  Other arrays are ragged: if the first axis is, for example, ``site``, the
rows of sample i are ``site_offset[i]:site_offset[i+1]``.  Every descriptor has ``cell``; the arrays of ``density`` are:

====================  ===================  =============================================================
``cell``              (m, 3, 3) f8         Å, rows are the cell vectors
``density``           (m, n, n, n) f2|f4   e/Å³, at the voxel centres; axes sample, a, b, c
``species``           (m, n, n, n) u1      atomic number, 0 where there is no atom
``mask``              (m, n, n, n/8) u1    ``numpy.packbits(species > 0, axis=-1)``
====================  ===================  =============================================================

Tables, which every descriptor has besides the arrays:

====================  ===================  =============================================================
``entry``             (m,) i8              index of the sample's entry in the source
``id``                (m,) S               identifier; UTF-8, padded with NUL, as all text here
``formula``           (m,) S               reduced formula
``origin``            (m,) S               file, row or archive member that it came from
``remark``            (m,) S               codes of disagreements between its file and its atoms; empty: none
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
SET = "set.h5"
SET_FORMAT = "hpcvox-shard-set"
REJECTS = "rejects.csv"
SPLITS = "split-*.bits"
REJECT_COLUMNS = ("id", "origin", "code", "message")


WIDEST, MISSING = "largest_cosine", "missing"
"""Attributes of ``set.h5``: the largest |cos| of the angles of its cells; samples without a value of a target."""

SAMPLE, SITE, REJECT = "sample", "site", "reject"
"""Names of the rows that several tables have."""


class TableSpec(NamedTuple):
    """The form of a table: its dtype (``S``: text of any length), what a row stands for, and the shape of a row."""

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
"""All tables, except the targets, which are (m,) f8, and the offsets, which are (m + 1,) i8."""

TARGET: Final = TableSpec("f8", SAMPLE)


@dataclass(frozen=True)
class ArraySpec:
    """The form of a sample array: the shape of a row and the meaning of its numbers.

    ``rows`` names what a row stands for: the sample itself, or one of many things in a sample (a site, a spot).
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
    """The sample arrays of the density descriptor on an n³ grid (n a multiple of 8), with the density as ``dtype``."""
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


def split_name(key: str) -> str:
    """File name of the split that ``key`` stands for."""
    return SPLITS.replace("*", key)


def encode_name(name: str) -> str:
    """Encode a target's name as the name of an HDF5 dataset (``/`` would open a group, and ``.`` is the group)."""
    safe = name.replace("%", "%25").replace("/", "%2F").replace("\0", "%00")
    return "%2E" + safe[1:] if safe.startswith(".") else safe


def decode_name(name: str) -> str:
    """Decode a name from :func:`encode_name`."""
    return name.replace("%2E", ".").replace("%00", "\0").replace("%2F", "/").replace("%25", "%")
