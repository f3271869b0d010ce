"""The networks of the draws: each is trained on crystals of its own, by one of the lessons; or they are given."""

from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from hpcvox.database.elements.job import write
from hpcvox.database.prototypes.elemental import draw
from hpcvox.errors import ConfigError
from hpcvox.featurize.settings import DiffractionSettings
from hpcvox.files import durable
from hpcvox.files.summary import Part
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.networks.fingerprint.settings import SPACE_GROUPS, TrainFingerprintSettings
from hpcvox.reproduction.featurized import featurized
from hpcvox.reproduction.steps import SHORT, Step, digest
from hpcvox.reproduction.training import train
from hpcvox.reproduction.ziletti.bench import Net
from hpcvox.reproduction.ziletti.crystals import SHARE
from hpcvox.reproduction.ziletti.settings import ZilettiSettings
from hpcvox.training.folder.card import WEIGHTS, read_card

TARGET: Final = "space_group"


class Trained(Part):
    """A network that is there."""

    checksum: str
    """Of its weights."""


class Lesson(NamedTuple):
    """What a network is trained on."""

    name: str
    displacement: float
    """Of the atoms of the crystals, Å."""
    speckle: float
    """Contrast of the speckle of their fingerprints."""


def speckled(settings: ZilettiSettings) -> Lesson:
    """Perfect crystals; their fingerprints have speckle, unless the settings say that they have none."""
    return Lesson("speckled", 0.0, settings.speckle) if settings.speckle else PLAIN


PLAIN: Final = Lesson("perfect", 0.0, 0.0)
"""Perfect crystals and their fingerprints, as in the paper."""


def displaced(settings: ZilettiSettings) -> Lesson:
    """Displaced crystals."""
    return Lesson("displaced", settings.noise, 0.0)


def trained(settings: ZilettiSettings, number: int, lesson: Lesson) -> tuple[Net, Step[Trained]]:
    """The network of draw ``number``, and the step that trains it."""
    scale, seed = settings.scale, settings.seed_of(number)
    identity: list[Any] = [scale.crystals, seed, scale.epochs, *lesson[1:], settings.atoms]
    identity += [settings.learning_rate, settings.batch_size, settings.model.model_dump(mode="json")]
    name = f"draw-{number}-{lesson.name}"
    folder = settings.folder / "networks" / f"{name}.{digest(identity)[:SHORT]}"
    make = partial(_train, settings, number, lesson, folder)
    return Net(folder, identity), Step(f"networks/{name}", Trained, identity, make, (folder / WEIGHTS,))


def _train(settings: ZilettiSettings, number: int, lesson: Lesson, folder: Path, work: Path) -> Trained:
    scale, seed = settings.scale, settings.seed_of(number)
    source = work / "crystals.csv"
    write(source, draw(scale.crystals, seed))
    job = DiffractionSettings(
        source=source,
        out=work / "shards",
        targets=[TARGET],
        atoms=settings.atoms,
        displacement=lesson.displacement,
        seed=seed,
        # no crystal is a stranger's, and a busy machine may let one wait for minutes
        limit_s=0,
        actors=settings.actors,
    )
    featurized(job, scale.crystals, "give another seed")
    given = TrainFingerprintSettings(
        shards=job.out,
        out=work / "run",
        epochs=scale.epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        held_out_fraction=SHARE,
        seed=seed,
        threads=settings.threads,
        keep_checkpoints=1,
        model=settings.model,
        speckle=lesson.speckle,
        target=TARGET,
    )
    train(given, work / "training.log")
    durable.make_folder(folder)
    durable.write_bytes(folder / WEIGHTS, (given.out / WEIGHTS).read_bytes())
    return Trained(checksum=read_card(folder, FingerprintCard).checksum)


def taken(settings: ZilettiSettings) -> list[Net]:
    """The networks that are given, for the draws in turn.

    Raises:
        CheckpointError: there is no such network.
        ConfigError: it has other classes.
    """
    assert settings.networks is not None
    nets = []
    for folder in settings.networks:
        card = read_card(folder, FingerprintCard)
        if (
            card.target != TARGET
            or {name: sorted(card.classes[name]) for name in card.classes} != SPACE_GROUPS
        ):
            raise ConfigError(
                f"networks: {folder} has other classes than the paper's, which are {', '.join(SPACE_GROUPS)}: "
                "train one with the classes that `hpcvox train-fingerprint` has by default"
            )
        nets.append(Net(folder, card.checksum))
    return [nets[number % len(nets)] for number in range(settings.scale.draws)]
