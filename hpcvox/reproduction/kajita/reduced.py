"""What is less than in Kajita et al. 2017, or another, and what that costs."""

from hpcvox.reproduction.kajita.settings import SIZES, KajitaSettings
from hpcvox.reproduction.summary import Reduced


def reduced(settings: KajitaSettings, crystals: int) -> list[Reduced]:
    """All that differs with these settings and so many crystals."""
    return [*_other(settings, crystals), *_fewer(settings), *_coarser(settings)]


def _other(settings: KajitaSettings, crystals: int) -> list[Reduced]:
    """What differs at every size."""
    shape = settings.model
    return [
        Reduced(
            what="crystals",
            here=f"{crystals} small oxides, PBE by GPAW",
            paper="680 oxides of the ICSD with fewer than 50 atoms, PBE by VASP",
            costs="errors are greater with fewer crystals; values in eV are those of other crystals",
        ),
        Reduced(
            what="which crystals are tested on",
            here="all crystals of a formula together",
            paper="crystals at random",
            costs="nothing: no regression is tested on a formula that it knows",
        ),
        Reduced(
            what="ridge of SOAP; ridge and width of the Coulomb matrix",
            here="cross-validated on the training crystals; the paper's ridge of SOAP stands beside it",
            paper="3.0; 0.01 and a width that is not told",
            costs="nothing: SOAP is not made weaker",
        ),
        Reduced(
            what="widths and epochs of the networks",
            here=f"filters {list(shape.filters)}, dense {list(shape.dense)}, {settings.scale.epochs} epochs, "
            f"{settings.scale.recognition_epochs} in Fig. 3",
            paper="in a picture, and not told",
            costs="unknown",
        ),
    ]


def _fewer(settings: KajitaSettings) -> list[Reduced]:
    """What is counted, where there is less of it."""
    scale, paper = settings.scale, SIZES["full"]
    counts = [
        ("crystals to tell apart in Fig. 3", settings.crystals, 50, "they are easier to tell apart"),
        ("draws", scale.draws, paper.draws, "wider spreads of the means"),
        ("networks of an answer", scale.members, paper.members, "the mean of fewer networks errs more"),
        (
            "turns of each crystal",
            scale.replicas[-1],
            paper.replicas[-1],
            "turned crystals are known less well",
        ),
    ]
    return [
        Reduced(what=what, here=str(here), paper=str(theirs), costs=costs)
        for what, here, theirs, costs in counts
        if here < theirs
    ]


def _coarser(settings: KajitaSettings) -> list[Reduced]:
    """What else is less at the small size."""
    scale, paper = settings.scale, SIZES["full"]
    told = []
    if scale.resolution > paper.resolution:
        here, theirs = f"{scale.resolution:g} Å", f"{paper.resolution:g} Å"
        told.append(
            Reduced(what="δL*", here=here, paper=theirs, costs="finer detail of the densities is lost")
        )
    if scale.together:
        costs = "unknown; together=false has a network for each"
        told.append(Reduced(what="targets of a network", here="all", paper="one", costs=costs))
    if not scale.curves:
        told.append(
            Reduced(
                what="training sizes of the chained regressions",
                here="the largest",
                paper="all",
                costs="a point in the place of a curve",
            )
        )
    return told
