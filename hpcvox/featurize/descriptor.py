"""The list of descriptors: one record each, with its settings class and its sampler class.

The featurization job, its settings and studies find descriptors only through these records.  Another package adds a
descriptor by an entry point of the group ``hpcvox.descriptors`` that names a :class:`Descriptor`.
"""

from typing import Any, Final, NamedTuple

from hpcvox.registry import Registry, loaded


class Descriptor(NamedTuple):
    """A descriptor.  Its classes are named as ``package.module:NAME`` and imported when needed, which takes seconds."""

    name: str
    """The name in ``descriptor=NAME`` and in the manifest of its shard sets."""
    settings: str
    """Place of its settings class, a :class:`hpcvox.featurize.settings.FeaturizeSettings` with this ``descriptor``."""
    sampler: str
    """Place of its :class:`hpcvox.featurize.sampler.Sampler` class, whose argument is the settings."""

    def load(self, part: str) -> Any:
        """Import the class that the field ``part`` (``settings`` or ``sampler``) names."""
        return loaded(getattr(self, part))


_SETTINGS: Final = "hpcvox.featurize.settings"

_OURS: Final = (
    Descriptor("density", f"{_SETTINGS}:DensitySettings", "hpcvox.featurize.density:DensitySampler"),
    Descriptor("r3dvs", f"{_SETTINGS}:R3dvsSettings", "hpcvox.featurize.r3dvs:R3dvsSampler"),
    Descriptor("soap", f"{_SETTINGS}:SoapSettings", "hpcvox.featurize.soap:SoapSampler"),
    Descriptor(
        "diffraction", f"{_SETTINGS}:DiffractionSettings", "hpcvox.featurize.diffraction:DiffractionSampler"
    ),
    Descriptor("graph", f"{_SETTINGS}:GraphSettings", "hpcvox.featurize.graph:GraphSampler"),
    Descriptor("coulomb", f"{_SETTINGS}:CoulombSettings", "hpcvox.featurize.coulomb:CoulombSampler"),
)

DESCRIPTORS: Final = Registry[Descriptor](
    "descriptor", "hpcvox.descriptors", lambda: {one.name: one for one in _OURS}
)

DEFAULT: Final = "density"
"""The descriptor of settings that name none."""
