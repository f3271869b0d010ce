"""hpcvox: crystal databases to voxels to 3D neural networks, on HPC clusters.

The Python functions take crystals of ASE and pymatgen, and do what the verbs of the command line do:

>>> import hpcvox
>>> voxels = hpcvox.voxelize(atoms)
>>> crystals = hpcvox.load("perovskites").generate(5)

A function of this module is imported when it is first used.
"""

from typing import TYPE_CHECKING

from hpcvox.compiled import settle as _settle

__version__ = "0.1.0"

__all__ = [
    "diffraction_fingerprint",
    "graph",
    "load",
    "open_shards",
    "place",
    "plot_density",
    "plot_explanation",
    "plot_fingerprint",
    "r3dvs",
    "to_ase",
    "to_pymatgen",
    "voxelize",
]

_settle()

if TYPE_CHECKING:
    from hpcvox.api.describing import diffraction_fingerprint, graph, r3dvs, voxelize
    from hpcvox.api.networks import load
    from hpcvox.api.placing import place
    from hpcvox.api.plots import plot_density, plot_explanation, plot_fingerprint
    from hpcvox.api.shards import open_shards
    from hpcvox.api.structures import to_ase, to_pymatgen
else:

    def __getattr__(name: str) -> object:
        """Import a public function now, when it is first used: PyTorch and ASE take seconds to import."""
        from importlib import import_module

        places = {
            **dict.fromkeys(("diffraction_fingerprint", "graph", "r3dvs", "voxelize"), "describing"),
            **dict.fromkeys(("plot_density", "plot_explanation", "plot_fingerprint"), "plots"),
            **dict.fromkeys(("to_ase", "to_pymatgen"), "structures"),
            "load": "networks",
            "open_shards": "shards",
            "place": "placing",
        }
        if name not in places:
            raise AttributeError(f"module 'hpcvox' has no attribute {name!r}")
        return getattr(import_module(f"hpcvox.api.{places[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
