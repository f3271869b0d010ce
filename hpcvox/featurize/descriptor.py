"""Which descriptors there are: a record each, with its settings and its sampler.

The job, its settings and studies know descriptors by these records alone.  Another package has its own by an entry
point of the group ``hpcvox.descriptors`` that names a :class:`Descriptor`.
"""

from typing import Any, Final, NamedTuple

from hpcvox.registry import Registry, loaded


class Descriptor(NamedTuple):
    """A descriptor.  What is ``package.module:NAME`` here is loaded when it is needed: its libraries take seconds."""

    name: str
    """``descriptor=NAME`` chooses it, and its shard sets say it."""
    settings: str
    """Class of its settings, a :class:`hpcvox.featurize.settings.FeaturizeSettings` with this ``descriptor``."""
    sampler: str
    """Class of its :class:`hpcvox.featurize.sampler.Sampler`, which is made with the settings."""

    def load(self, part: str) -> Any:
        """What ``settings`` or ``sampler`` names."""
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
"""Where no descriptor is named."""
