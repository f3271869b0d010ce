"""What is less than in Ziletti et al. 2018, or another, and what that costs."""

from typing import Final

from hpcvox.reproduction.summary import Reduced
from hpcvox.reproduction.ziletti.settings import SIZES, ZilettiSettings

PAPER: Final = 10_517
"""Crystals of the paper."""


def reduced(settings: ZilettiSettings) -> list[Reduced]:
    """All that differs with these settings."""
    return [*_other(settings), *_fewer(settings)]


def _other(settings: ZilettiSettings) -> list[Reduced]:
    """What differs at every size."""
    told = [
        Reduced(
            what="crystals",
            here="prototypes of the seven classes with 83 elements, volumes and c/a at random, "
            "none near a cubic c/a",
            paper="10,517 relaxed and unrelaxed solids of AFLOWLIB",
            costs="another mixture of c/a; cubic crystals with defects are lost to tetragonal ones. The section on the "
            "borders tells how near a crystal may come",
        ),
        Reduced(
            what="which crystals are tested on",
            here="perfect and with defects, of elements that the network has not seen",
            paper="with defects: all 10,517, of which 90 % were trained on; perfect: 10 %",
            costs="nothing: this is harder",
        ),
        Reduced(
            what="a result",
            here="mean and standard deviation over draws with networks, crystals and defects of their own",
            paper="one network",
            costs="nothing",
        ),
        Reduced(
            what="turning every crystal at random at first",
            here="left out: the conventional cell does not depend on it",
            paper="done",
            costs="nothing",
        ),
        Reduced(
            what="maps: values that were pooled",
            here="go back to where the maximum was",
            paper="are repeated over the pixels",
            costs="nothing: the maps are finer",
        ),
    ]
    if settings.networks is None and settings.speckle:
        told.append(
            Reduced(
                what="fingerprints of the training",
                here=f"perfect crystals, with speckle of contrast {settings.speckle:g}",
                paper="perfect crystals, without",
                costs="nothing: defects are named better; the last section compares both",
            )
        )
    if settings.networks is not None:
        told.append(
            Reduced(
                what="networks",
                here=f"given: {', '.join(map(str, settings.networks))}; draws differ in crystals and defects",
                paper="trained",
                costs="with fewer networks than draws the deviations do not tell how much trainings differ",
            )
        )
    return told


def _fewer(settings: ZilettiSettings) -> list[Reduced]:
    """What is counted, where there is less of it."""
    scale, trained = settings.scale, settings.networks is None
    by_symmetry = min(scale.by_symmetry, scale.tested)
    counts = [
        ("crystals to train on", scale.crystals, PAPER, "the network errs more with defects", trained),
        ("epochs", scale.epochs, 5, "unknown: the first epochs name all perfect crystals", trained),
        ("crystals of a draw in the tables", 7 * scale.tested, PAPER, _steps(7 * scale.tested), True),
        ("of these, for spglib", 7 * by_symmetry, PAPER, _steps(7 * by_symmetry), True),
        ("atoms of a supercell", settings.atoms, 250, "broader spots", trained),
    ]
    told = [
        Reduced(what=what, here=f"{here:,}", paper=f"{theirs:,}", costs=costs)
        for what, here, theirs, costs, counts_here in counts
        if counts_here and here < theirs
    ]
    rough = Reduced(
        what="crystals of a point of the other experiments",
        here=f"{scale.asked:,}",
        paper="a number that is not told",
        costs="rough curves" if scale.asked < SIZES["full"].asked else "nothing",
    )
    return [*told, rough]


def _steps(crystals: int) -> str:
    """What fewer crystals cost."""
    return f"a draw tells shares in steps of {100 / crystals:.2g} %"
