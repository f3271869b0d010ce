"""The sections of the page, in their order: a new one is a function in ``sections/`` and a line here.

Another package has its own by an entry point of the group ``hpcvox.sections`` that names a :data:`Maker`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from hpcvox.registry import added
from hpcvox.report.parts import Section
from hpcvox.report.run import Run
from hpcvox.report.sections import (
    database,
    densities,
    evaluation,
    featurization,
    files,
    funnel,
    generated,
    latent,
    networks,
    overview,
    relaxed,
    screened,
    training,
    verdict,
)

Maker = Callable[[Run], Iterable[Section]]
"""Makes what a run has to show: several sections, one, or none where a run need not have any."""

SECTIONS: Final[Sequence[Maker]] = (
    # how good it is, what came out, how that can be known, and from what it was made
    verdict.sections,
    funnel.sections,
    relaxed.sections,
    screened.sections,
    generated.sections,
    densities.decoded,
    evaluation.sections,
    networks.sections,
    densities.held_out,
    latent.sections,
    training.sections,
    featurization.sections,
    database.sections,
    overview.sections,
    files.sections,
)


GROUP: Final = "hpcvox.sections"
"""Of the entry points of other packages, whose sections stand before the list of files."""


def makers() -> list[Maker]:
    """What makes the sections, ours and those of other packages."""
    *before, last = SECTIONS
    return [*before, *added(GROUP).values(), last]


def sections(run: Run) -> list[Section]:
    """All sections of ``run``."""
    return [section for make in makers() for section in make(run)]
