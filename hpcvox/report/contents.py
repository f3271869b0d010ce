"""The sections of the page, in their order: a new one is a function in ``sections/`` and a line here."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

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
    verdict.sections,
    overview.sections,
    database.sections,
    featurization.sections,
    training.sections,
    densities.held_out,
    latent.sections,
    generated.sections,
    densities.decoded,
    funnel.sections,
    screened.sections,
    relaxed.sections,
    networks.sections,
    evaluation.sections,
    files.sections,
)


def sections(run: Run) -> list[Section]:
    """All sections of ``run``."""
    return [section for make in SECTIONS for section in make(run)]
