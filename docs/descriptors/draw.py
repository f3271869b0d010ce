"""Draw the pictures of docs/descriptors.md: every descriptor of crystals that are built here.

python docs/descriptors/draw.py [FOLDER] writes one PNG a descriptor into FOLDER (else: beside this file).
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.spatial.transform import Rotation

from hpcvox.api.plots import draw_channel
from hpcvox.crystals.record import Crystal
from hpcvox.database.prototypes import compounds as prototypes
from hpcvox.descriptors import atoms, clusters, coulomb, density, diffraction, graph, oblique, r3dvs, soap
from hpcvox.featurize.sampler import cell_of

COLOURS = {"Ca": "#e69f00", "Ti": "#0072b2", "O": "#d55e00", "Na": "#e69f00", "Cl": "#009e73"}
"""Of elements: Okabe and Ito's, which everybody can tell apart."""


def rocksalt(a: float, *species: str) -> Crystal:
    """AB with the cubic cell length ``a`` in Å."""
    return prototypes.conventional(prototypes.Prototype("rocksalt", species, (0.0, 0.0), a), a)


def perovskite(a: float, *species: str) -> Crystal:
    """ABX3 with the cell length ``a`` in Å: A at the corner, B in the centre, X on the faces."""
    return prototypes.conventional(prototypes.Prototype("perovskite", species, (0.0,) * 3, a), a)


NACL, CATIO3 = rocksalt(5.64, "Na", "Cl"), perovskite(3.84, "Ca", "Ti", "O")
OXIDES = {
    "MgO": rocksalt(4.21, "Mg", "O"),
    "CaO": rocksalt(4.81, "Ca", "O"),
    "BaO": rocksalt(5.54, "Ba", "O"),
    "CaTiO₃": CATIO3,
    "SrTiO₃": perovskite(3.905, "Sr", "Ti", "O"),
    "BaZrO₃": perovskite(4.19, "Ba", "Zr", "O"),
}


def draw_density() -> Figure:
    """Density and species of CaTiO3 in a plane, and the density of NaCl in its oblique cell."""
    figure = Figure(figsize=(11, 3.2), layout="compressed")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.5))
    a, n = CATIO3.lattice[0, 0], 32
    made = density.voxelize(np.full(3, a), CATIO3.frac, CATIO3.numbers)
    box = {"origin": "lower", "extent": (0, a, 0, a)}
    image = left.imshow(made.density[:, :, n // 2].T, **box)
    figure.colorbar(image, ax=left, label="density (e/Å³)")
    left.set_title("CaTiO₃ at z = a/2: density", fontsize=10)
    names = {0: "none", 8: "O", 20: "Ca", 22: "Ti"}
    colours = ListedColormap(["#f2f2f2", *(COLOURS[name] for name in list(names.values())[1:])])
    limits = BoundaryNorm([0, 1, 9, 21, 23], colours.N)
    middle.imshow(made.species[:, :, n // 2].T, cmap=colours, norm=limits, **box)
    present = np.unique(made.species[:, :, n // 2])
    shown = [
        Patch(facecolor=colours(limits(z)), edgecolor="#777", label=names[z]) for z in names if z in present
    ]
    middle.legend(handles=shown, loc="lower right", fontsize=8)
    middle.set_title("CaTiO₃ at z = a/2: species", fontsize=10)
    primitive = prototypes.primitive(prototypes.Prototype("rocksalt", ("Na", "Cl"), (1.0, -1.0), 5.64), 5.64)
    skew = oblique.voxelize_oblique(primitive.lattice, primitive.frac, primitive.numbers)
    # the plane of the first two vectors, with its axes turned into that of the paper
    first, second = primitive.lattice[:2]
    along = first / np.linalg.norm(first)
    across = second - (second @ along) * along
    flat = np.array([[first @ along, 0.0], [second @ along, np.linalg.norm(across)]])
    edge = np.arange(n + 1) / n
    corners = edge[:, None, None] * flat[0] + edge[None, :, None] * flat[1]
    image = right.pcolormesh(corners[..., 0], corners[..., 1], skew.density[:, :, 0])
    figure.colorbar(image, ax=right, label="density (e/Å³)")
    right.set_title("NaCl, primitive cell: plane of a₁ and a₂", fontsize=10)
    for axes in (left, middle, right):
        _label(axes, "x (Å)", "y (Å)")
    return figure


def draw_r3dvs() -> Figure:
    """The field of superposed atoms, its spots as voxels, and those of the turned crystal."""
    figure = Figure(figsize=(11, 3.2), layout="compressed")
    left, *others = figure.subplots(1, 3)
    a = CATIO3.lattice[0, 0]
    crystal = CATIO3.lattice, CATIO3.frac, CATIO3.numbers
    field = atoms.superposed_atoms(*crystal, (96, 96, 96))[0]
    image = left.imshow(field[:, :, 48].T, norm=LogNorm(0.1, 100), origin="lower", extent=(0, a, 0, a))
    figure.colorbar(image, ax=left, label="density (e/Å³)")
    left.set_title("CaTiO₃ at z = a/2: superposed atoms", fontsize=10)
    _label(left, "x (Å)", "y (Å)")
    spots = atoms.superposed_spots(*crystal)
    turned = spots.rotated(Rotation.from_euler("z", 30, degrees=True).as_matrix())
    edge = np.pi / 0.4
    for axes, seen, title in zip(others, (spots, turned), ("as it is", "turned by 30°"), strict=True):
        cube = r3dvs.voxels(seen)[0]
        plane = cube[:, :, 15] + cube[:, :, 16]
        image = axes.imshow(
            np.maximum(plane, 1e-3).T,
            norm=LogNorm(1e-3, 1),
            origin="lower",
            extent=(-edge, edge, -edge, edge),
        )
        axes.set_title(f"R3DVS at $g_z$ ≈ 0, {title}", fontsize=10)
        _label(axes, "$g_x$ (1/Å)", "$g_y$ (1/Å)")
    figure.colorbar(image, ax=others, label="|s(g)| (e/Å³)")
    return figure


def draw_diffraction() -> Figure:
    """The three channels of a fingerprint, and what vacancies do to them."""
    figure = Figure(figsize=(9, 5.8), layout="compressed")
    grid = figure.subplots(2, 3, sharex=True, sharey=True)
    whole = clusters.supercell(clusters.conventional_cell(cell_of(NACL)))
    holed = clusters.without(whole, 0.25, np.random.default_rng(0))
    for row, (name, cluster) in zip(grid, (("NaCl", whole), ("25 % vacancies", holed)), strict=True):
        ready = clusters.scaled(cluster)
        picture = diffraction.fingerprint(ready.positions, ready.numbers)
        for channel, axes in enumerate(row):
            image = draw_channel(axes, picture[..., channel])
            _label(axes, "$q_x$ (1/d)", "$q_y$ (1/d)")
            axes.label_outer()
            axes.set_title(f"{name}, ±45° about {'xyz'[channel]}", fontsize=10)
    figure.colorbar(image, ax=grid, label="intensity (of the brightest pixel)")
    return figure


def draw_graph() -> Figure:
    """Neighbours of every site of CaTiO3 with their distances, and one site's distances as Gaussians."""
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    made = graph.crystal_graph(cell_of(CATIO3))
    symbols = {20: "Ca", 22: "Ti", 8: "O"}
    for site, (near, far) in enumerate(zip(made.neighbours, made.distances, strict=True)):
        for at, (other, length) in enumerate(zip(near, far, strict=True)):
            colour = COLOURS[symbols[int(made.numbers[other])]]
            left.barh(site, 1, left=at + 0.5, height=0.9, color=colour, edgecolor="white", alpha=0.75)
            left.text(at + 1, site, f"{length:.2f}", ha="center", va="center", fontsize=8)
    left.set_yticks(range(5), [f"{i}  {symbols[int(z)]}" for i, z in enumerate(made.numbers)])
    left.set_xticks(range(1, 13))
    left.set_xlim(0.5, 12.5)
    left.invert_yaxis()
    _label(left, "edge, nearest first", "site", equal=False)
    left.set_title("CaTiO₃: distances (Å) and elements of the neighbours")
    shown = [Patch(facecolor=COLOURS[name], alpha=0.75, label=name) for name in ("Ca", "Ti", "O")]
    left.legend(
        handles=shown, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, frameon=False, fontsize=9
    )
    image = right.imshow(
        graph.gaussians(made.distances[1]), aspect="auto", cmap="cividis", extent=(-0.1, 8.1, 12.5, 0.5)
    )
    figure.colorbar(image, ax=right, label="exp(−(d − μ)²/w²)")
    right.set_yticks(range(1, 13))
    _label(right, "μ (Å)", "edge of site 1 (Ti)", equal=False)
    right.set_title("Gaussians of the distances")
    return figure


def draw_soap() -> Figure:
    """How alike the oxygen environments of oxides are, for two widths Δ."""
    figure = Figure(figsize=(10, 4.3), layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    species = tuple(sorted({int(z) for crystal in OXIDES.values() for z in crystal.numbers}))
    for axes, delta in zip(both, (0.1, 1.0), strict=True):
        features = np.stack(
            [soap.soap_features(cell_of(c), species=species, delta=delta) for c in OXIDES.values()]
        )
        alike = features @ features.T
        image = axes.imshow(alike, cmap="cividis", vmin=0, vmax=1)
        for (i, j), value in np.ndenumerate(alike):
            axes.text(
                j,
                i,
                f"{value:.2f}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if value < 0.6 else "black",
            )
        axes.set_xticks(range(len(OXIDES)), OXIDES, fontsize=9)
        axes.set_yticks(range(len(OXIDES)), OXIDES, fontsize=9)
        axes.set_title(f"Δ = {delta}")
    figure.colorbar(image, ax=both, label="similarity of oxygen environments, $q_A · q_B$")
    return figure


def draw_coulomb() -> Figure:
    """Spectra of three crystals."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    axes = figure.subplots()
    shown = {
        "NaCl": (NACL, "#009e73", "o"),
        "MgO": (OXIDES["MgO"], "#d55e00", "s"),
        "CaTiO₃": (CATIO3, "#0072b2", "^"),
    }
    for name, (crystal, colour, mark) in shown.items():
        spectrum = coulomb.ewald_spectrum(cell_of(crystal), 10)
        axes.plot(
            range(1, 11),
            spectrum,
            f"{mark}-",
            color=colour,
            linewidth=1,
            label=f"{name}, {crystal.n_sites} sites",
        )
    axes.axhline(0, color="#777", linewidth=0.8)
    axes.set_xticks(range(1, 11))
    axes.legend(frameon=False)
    _label(axes, "eigenvalue", "λ over the number of sites (e²/Å)", equal=False)
    return figure


def _label(axes: Axes, x: str, y: str, equal: bool = True) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if equal:
        axes.set_aspect("equal")


PICTURES: dict[str, Callable[[], Figure]] = {
    "density": draw_density,
    "r3dvs": draw_r3dvs,
    "diffraction": draw_diffraction,
    "graph": draw_graph,
    "soap": draw_soap,
    "coulomb": draw_coulomb,
}


def save(name: str, folder: Path) -> Path:
    """Draw one of :data:`PICTURES` into ``folder``."""
    path = folder / f"{name}.png"
    # no version of a program within: the same picture is the same file
    PICTURES[name]().savefig(path, dpi=100, metadata={"Software": None})
    return path


if __name__ == "__main__":
    for picture in PICTURES:
        print(save(picture, Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
