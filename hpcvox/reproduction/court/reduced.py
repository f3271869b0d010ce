"""What is less than in Court et al. 2020, or another, and what that costs."""

from hpcvox.reproduction.court.bench import LEAN, LEAN_ALPHA
from hpcvox.reproduction.court.settings import SIZES, CourtSettings
from hpcvox.reproduction.summary import Reduced


def reduced(settings: CourtSettings) -> list[Reduced]:
    """All that differs with these settings."""
    return [*_other(settings), *_fewer(settings), *(() if settings.scale.papers else _lean(settings))]


def _other(settings: CourtSettings) -> list[Reduced]:
    """What differs at every size."""
    told = [
        Reduced(
            what="crystals of VAE and UNet",
            here=f"{settings.source.name}",
            paper="7,189 crystals of the Materials Project: binaries, perovskites, Heusler compounds",
            costs="values are those of other crystals",
        ),
        Reduced(
            what="which crystals are held out",
            here="all crystals of a formula together",
            paper="14,000 of 78,750 turned copies; by crystal is not told",
            costs="nothing: no network is tested on a formula that it knows, turned or not",
        ),
        Reduced(
            what="repeats",
            here=f"{settings.scale.draws}, each with its own split and networks",
            paper="one",
            costs="nothing: the page tells the spread",
        ),
        Reduced(
            what="epochs of the property networks",
            here=f"{settings.scale.cgcnn_epochs}",
            paper="not told",
            costs="unknown",
        ),
        Reduced(
            what="turned copies",
            here="one of the 24 rotations each epoch, exactly",
            paper="ten copies of each crystal",
            costs="nothing",
        ),
        Reduced(
            what="classes of the elements",
            here="weighted by their voxels",
            paper="said to be weighted; the published code does not",
            costs="unknown",
        ),
        Reduced(
            what="in the training set (Table 2)",
            here="the same structure",
            paper="not told",
            costs="a new structure of a formula that is known counts as new",
        ),
    ]
    if not settings.relax:
        told.append(
            Reduced(
                what="relaxed candidates (Table 3)",
                here="none",
                paper="76 by DFT",
                costs="the table has the paper's values alone; relax=[chgnet] fills it",
            )
        )
    return told


def _fewer(settings: CourtSettings) -> list[Reduced]:
    """What is counted, where there is less of it."""
    scale, paper = settings.scale, SIZES["full"]
    counts = [
        (
            "crystals that are drawn",
            scale.crystals,
            None,
            "networks see fewer elements and cells: greater errors",
        ),
        (
            "crystals of the property networks",
            scale.property_crystals,
            None,
            "greater errors of the properties",
        ),
        ("voxels along an edge", scale.voxels, paper.voxels, "sites and small ions are less sharp"),
        ("epochs of a UNet", scale.unet_epochs, paper.unet_epochs, "elements are named less well"),
        ("epochs of a VAE", scale.vae_epochs, paper.vae_epochs, "reconstructions are less sharp"),
        ("held-out crystals that are reconstructed", scale.tested or None, None, "wider spreads"),
        ("crystals of the map", scale.encoded, paper.encoded, "a thinner map"),
        ("random samples of a decile", scale.random, paper.random, "wider spreads"),
        ("bases", scale.bases, paper.bases, "wider spreads"),
        (
            "samples around a base",
            scale.around,
            paper.around,
            "rarer finds are missed; percentages are coarse",
        ),
        ("samples on a line", scale.steps, paper.steps, "fewer elements between the ends are met"),
    ]
    return [
        Reduced(what=what, here=f"{here:,}", paper="all" if theirs is None else f"{theirs:,}", costs=costs)
        for what, here, theirs, costs in counts
        if here is not None and (theirs is None or here < theirs)
    ]


def _lean(settings: CourtSettings) -> list[Reduced]:
    """The networks of the small size."""
    return [
        Reduced(
            what="UNet and VAE",
            here="lean: patches of 2³ voxels, fewer filters, scaled inputs",
            paper="31.2 and 0.84 million weights (configs/train_unet_paper.yaml, train_vae_paper.yaml)",
            costs="see docs/results.md: per epoch the lean UNet learns alike on true maps",
        ),
        Reduced(
            what="their training",
            here=f"learning rate {LEAN['learning_rate']:g} falling by a cosine, mean of the weights, bfloat16, "
            f"α {LEAN_ALPHA:g}",
            paper="constant rates, α 1 (Table 6)",
            costs="none known: in so few steps the paper's rates learn hardly anything",
        ),
        Reduced(
            what="box of the voxels",
            here=f"{settings.scale.grid}",
            paper="padded: 1.5 cells, without periodic images",
            costs="none known: voxels of the same number are finer",
        ),
    ]
