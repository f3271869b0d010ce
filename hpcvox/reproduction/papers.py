"""The papers whose experiments can be repeated; nothing of an experiment is imported here."""

from typing import Final, NamedTuple

from hpcvox.registry import loaded


class Paper(NamedTuple):
    """A paper.  Its parts are named as ``package.module:NAME`` and imported when they are needed."""

    name: str
    """The name that users type."""
    title: str
    """How it is cited."""
    settings: str
    """Place of the settings class of its experiments."""
    work: str
    """Place of a function from these settings to the :class:`hpcvox.reproduction.experiment.Work` of the paper."""
    experiments: tuple[str, ...]
    """The names of its experiments, in the order of the page."""

    def settings_class(self) -> type:
        """The settings class of its experiments."""
        kind: type = loaded(self.settings)
        return kind


KAJITA: Final = Paper(
    "kajita",
    "Kajita et al. 2017, Scientific Reports 7, 16991 (R3DVS)",
    "hpcvox.reproduction.kajita.settings:KajitaSettings",
    "hpcvox.reproduction.kajita.work:work",
    ("fig3", "fig4", "residuals", "claims"),
)

ZILETTI: Final = Paper(
    "ziletti",
    "Ziletti et al. 2018, Nature Communications 9, 2775 (diffraction fingerprints)",
    "hpcvox.reproduction.ziletti.settings:ZilettiSettings",
    "hpcvox.reproduction.ziletti.work:work",
    ("tables", "fig4", "figs1", "maps", "border", "uncertainty", "trained_with_noise", "claims"),
)

COURT: Final = Paper(
    "court",
    "Court et al. 2020, J. Chem. Inf. Model. 60, 4518 (density voxels, DFC-VAE, UNet, CGCNN)",
    "hpcvox.reproduction.court.settings:CourtSettings",
    "hpcvox.reproduction.court.work:work",
    ("fig2", "fig4", "table1", "fig6", "table2", "table3", "table4", "table5", "claims"),
)

PAPERS: Final = {paper.name: paper for paper in (KAJITA, ZILETTI, COURT)}
