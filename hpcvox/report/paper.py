"""The figures of a report as files for a paper: ``figures/NAME.png`` and ``NAME.svg``, from the data of the page."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from hpcvox.crystals.names import file_stem
from hpcvox.files.pictures import save
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.examples import Examples
from hpcvox.report.drawing import figures, on_paper
from hpcvox.report.parts import CrystalsToTurn, Section
from hpcvox.report.run import Folder
from hpcvox.report.sections import densities

FORMATS: Final = (".png", ".svg")
CRYSTALS: Final = 5
"""Crystals in the picture of candidates."""


def write(sections: Sequence[Section], vae: Folder[VAECard], most_densities: int, folder: Path) -> int:
    """Write all charts and galleries of ``sections``, densities before and after, and the first crystals.

    Pictures of an earlier report that this one does not have are removed.

    Returns:
        The number of pictures.
    """
    return write_pictures(_drawn(sections, vae, most_densities), folder)


def write_pictures(drawn: Iterable[tuple[str, Figure]], folder: Path) -> int:
    """Write pictures, each with its name, as PNG and SVG into ``folder``, and remove those of before.

    Returns:
        The number of pictures.
    """
    folder.mkdir(exist_ok=True)
    names = set()
    for name, figure in drawn:
        names.add(stem := file_stem(name))
        for suffix in FORMATS:
            save(figure, folder / f"{stem}{suffix}")
            figure.set_layout_engine("none")  # laid out once, which takes as long as the drawing
    for path in folder.iterdir():
        if path.suffix in FORMATS and path.stem not in names:
            path.unlink()
    return len(names)


def _drawn(
    sections: Sequence[Section], vae: Folder[VAECard], most_densities: int
) -> Iterator[tuple[str, Figure]]:
    for section in sections:
        for chart in section.charts:
            yield chart.name, on_paper.picture(chart)
        for gallery in section.galleries:
            yield gallery.name, on_paper.gallery(gallery)
        if isinstance(section.widget, CrystalsToTurn):
            yield CrystalsToTurn.kind, figures.row_of(section.widget.crystals[:CRYSTALS])
        if section.name == densities.NAME and section.widget is not None and vae.path is not None:
            yield densities.NAME, figures.montage(Examples.load(vae.path), most_densities)
