"""The sections of the page in their order.  A new section is a function in ``sections/`` and a line here.

Another package adds a section by an entry point of the group ``hpcvox.sections`` that names a :data:`Maker`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from hpcvox.registry import added
from hpcvox.report.parts import Section
from hpcvox.report.run import Run
from hpcvox.report.sections import (
    best,
    data,
    densities,
    evaluation,
    files,
    funnel,
    generated,
    hull,
    latent,
    networks,
    overview,
    relaxed,
    screened,
    training,
    verdict,
)

Maker = Callable[[Run], Iterable[Section]]
"""A function that makes sections of a run: one, several, or none if the run has nothing for it."""

SECTIONS: Final[Sequence[Maker]] = (
    # what came out, whether it is any good and what next; then how it was tested, and what it was made from
    best.sections,
    verdict.sections,
    funnel.sections,
    hull.sections,
    relaxed.sections,
    screened.sections,
    generated.sections,
    densities.decoded,
    evaluation.sections,
    networks.sections,
    densities.held_out,
    latent.sections,
    training.sections,
    data.featurization,
    data.database,
    overview.sections,
    files.sections,
)


GROUP: Final = "hpcvox.sections"
"""Group of the entry points of other packages, whose sections stand before the list of files."""


def makers() -> list[Maker]:
    """The makers of all sections: ours, and those of other packages."""
    *before, last = SECTIONS
    return [*before, *added(GROUP).values(), last]


def sections(run: Run) -> list[Section]:
    """All sections of ``run``."""
    return [section for make in makers() for section in make(run)]
