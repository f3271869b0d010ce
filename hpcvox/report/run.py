"""Opens the folders of a run's steps, and reads the summary of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from hpcvox.database.summary import DatabaseSummary
from hpcvox.errors import HpcvoxError
from hpcvox.experiments.evaluate.summary import EvaluateSummary
from hpcvox.files.timings import Timings
from hpcvox.generation.judging.summary import DRAWN, JudgeSummary
from hpcvox.generation.summary import GenerateSummary
from hpcvox.networks.cgcnn.card import CGCNNCard
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.vae.card import VAECard
from hpcvox.relaxation.summary import TABLE as RELAXED
from hpcvox.relaxation.summary import RelaxSummary
from hpcvox.report.parts import shown
from hpcvox.report.reading import ID, NOTHING, Config, number, read_config, read_rows
from hpcvox.report.settings import ReportSettings, holds_files, require_any
from hpcvox.screening.summary import ScreenSummary
from hpcvox.shards.layout import MANIFEST
from hpcvox.shards.manifest import Manifest
from hpcvox.stability.summary import TABLE, HullSummary, energy_column
from hpcvox.terminal import counted
from hpcvox.training.folder.card import WEIGHTS, Card, read_card

S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
C = TypeVar("C", bound=Card)


@dataclass(frozen=True)
class Step(Generic[S]):
    """A step of a run, by its name in a pipeline."""

    name: str
    verb: str
    load: Callable[[Path], S | None]
    """Reads the summary in its folder; None if there is none yet."""
    made: Callable[[S], str]
    """How much that is, in words."""
    versions: Callable[[S], Mapping[str, str]] = lambda _: {}
    """Of the packages that made it."""


@dataclass(frozen=True)
class Folder(Generic[S_co]):
    """A folder that a step wrote: ``problem`` says why it has nothing to show (else it is empty)."""

    step: Step[Any]
    path: Path | None
    problem: str = ""
    config: Config = NOTHING
    summary: S_co | None = None
    notes: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        """The verb that made it."""
        return self.step.verb

    def file(self, name: str) -> Path | None:
        """The path of the file ``name``; None if it does not exist."""
        if self.path is None or self.problem:
            return None
        return self.path / name if (self.path / name).is_file() else None

    def unfinished(self, file: str) -> str:
        """The reason why there is nothing to show, if ``file``, which the step writes at its end, is missing."""
        return self.problem or f"{self.path} has no {file}: `hpcvox {self.verb}` has not finished there."

    @property
    def made(self) -> str | None:
        """How much is in it, in words; None if unknown."""
        return None if self.summary is None else self.step.made(self.summary)

    @property
    def versions(self) -> Mapping[str, str]:
        """The versions of the packages that made it, as far as it has recorded them."""
        return {} if self.summary is None else self.step.versions(self.summary)


def open_folder(step: Step[S], path: Path | None) -> Folder[S]:
    """Open the folder ``path`` of ``step``."""
    if path is None:
        return Folder(step, None, "This part was not asked for: its folder is null in the report's config.")
    if not path.is_dir():
        return Folder(
            step, path, f"There is no folder {path}. `hpcvox {step.verb}` with out={path} makes it."
        )
    if not holds_files(path):
        return Folder(step, path, f"{path} is empty: `hpcvox {step.verb}` has not finished a step there.")
    notes: list[str] = []
    config = read_config(path, notes)
    summary = None
    try:
        summary = step.load(path)
    except HpcvoxError as error:
        notes.append(f"{error}; what it says is left out.")
    return Folder(step, path, "", config, summary, tuple(notes))


def _manifest(folder: Path) -> Manifest | None:
    return Manifest.load(folder) if (folder / MANIFEST).is_file() else None


def _card(kind: type[C], folder: Path) -> C | None:
    return read_card(folder, kind) if (folder / WEIGHTS).is_file() else None


def _trained(name: str, verb: str, kind: type[C]) -> Step[C]:
    """The step that trains a network with a card of ``kind``."""
    return Step(
        name,
        verb,
        partial(_card, kind),
        made=lambda card: f"{shown(card.weights)} weights",
        versions=lambda card: {"hpcvox": card.run.hpcvox},
    )


DATABASE: Final = Step(
    "database", "database", DatabaseSummary.load, lambda summary: counted(summary.crystals, "crystal")
)
FEATURIZE: Final = Step(
    "featurize",
    "featurize",
    _manifest,
    made=lambda manifest: counted(manifest.n_samples, "sample"),
    versions=lambda manifest: {"hpcvox": manifest.code_version},
)
TRAIN_UNET: Final = _trained("train_unet", "train-unet", UNetCard)
TRAIN_VAE: Final = _trained("train_vae", "train-vae", VAECard)
FINETUNE_UNET: Final = _trained("finetune_unet", "train-unet", UNetCard)
TRAIN_CGCNN: Final = _trained("train_cgcnn", "train-cgcnn", CGCNNCard)
EVALUATE: Final = Step(
    "evaluate",
    "evaluate",
    EvaluateSummary.load,
    lambda summary: counted(summary.held_out_crystals or 0, "crystal"),
)
GENERATE: Final = Step(
    "generate", "generate", GenerateSummary.load, lambda summary: counted(summary.samples, "sample")
)
JUDGE: Final = Step(
    "judge",
    "judge",
    JudgeSummary.load,
    lambda summary: f"{counted(summary.funnel.get(DRAWN, 0), 'candidate')} judged",
)
SCREEN: Final = Step(
    "screen", "screen", ScreenSummary.load, lambda summary: counted(summary.predicted, "crystal")
)
RELAX: Final = Step(
    "relax",
    "relax",
    RelaxSummary.load,
    made=lambda summary: counted(summary.relaxed, "crystal"),
    versions=lambda summary: {stage.calculator: stage.version for stage in summary.stages},
)
HULL: Final = Step(
    "hull", "hull", HullSummary.load, lambda summary: f"{counted(summary.placed, 'crystal')} placed"
)


@dataclass(frozen=True)
class Run:
    """The folders of a run, and where the page is written."""

    settings: ReportSettings
    page: Path
    database: Folder[DatabaseSummary]
    shards: Folder[Manifest]
    vae: Folder[VAECard]
    generated: Folder[GenerateSummary]
    evaluation: Folder[EvaluateSummary]
    unet: Folder[UNetCard]
    finetuned_unet: Folder[UNetCard]
    judged: Folder[JudgeSummary]
    screened: Folder[ScreenSummary]
    relaxed: Folder[RelaxSummary]
    hull: Folder[HullSummary]
    networks: Sequence[Folder[CGCNNCard]] = ()
    timings: Timings = field(default_factory=Timings)

    @property
    def folders(self) -> list[Folder[Any]]:
        """The folders that every run has, the others as far as they exist, and those of the property networks."""
        usual: list[Folder[Any]] = [self.database, self.shards, self.vae, self.generated, self.evaluation]
        others: list[Folder[Any]] = [self.unet, self.finetuned_unet, self.judged, self.screened]
        others += [self.relaxed, self.hull]
        return [*usual, *(folder for folder in others if not folder.problem), *self.networks]


def open_run(settings: ReportSettings, page: Path) -> Run:
    """Open the folders of a run.

    Raises:
        SourceError: none of them exists.
        SummaryError: the times of the steps cannot be read.
    """
    require_any(settings)
    screened = open_folder(SCREEN, settings.screened)
    relaxed = open_folder(RELAX, settings.relaxed)
    return Run(
        settings,
        page,
        database=open_folder(DATABASE, settings.database),
        shards=open_folder(FEATURIZE, settings.shards),
        vae=open_folder(TRAIN_VAE, settings.vae),
        generated=open_folder(GENERATE, settings.generated),
        evaluation=open_folder(EVALUATE, settings.evaluation),
        unet=open_folder(TRAIN_UNET, settings.unet),
        finetuned_unet=open_folder(FINETUNE_UNET, settings.finetuned_unet),
        judged=open_folder(JUDGE, settings.judged),
        screened=screened,
        relaxed=relaxed,
        hull=_hull(settings, relaxed),
        networks=[open_folder(TRAIN_CGCNN, path) for path in _networks(settings, screened)],
        timings=Timings() if settings.timings is None else Timings.load(settings.timings),
    )


def _hull(settings: ReportSettings, relaxed: Folder[RelaxSummary]) -> Folder[HullSummary]:
    """The hull, unless it is of energies that the relaxation does not have (any more)."""
    folder = open_folder(HULL, settings.hull)
    before, now = folder.file(TABLE), relaxed.file(RELAXED)
    if before is None or now is None:
        return folder
    rows = {row.get(ID, ""): row for row in read_rows(now)}
    if all(_agree(row, rows.get(row.get(ID, ""))) for row in read_rows(before)):
        return folder
    again = f"{before} is of other energies than {now}: run `hpcvox hull` again, after the relaxation."
    return replace(folder, problem=again, summary=None)


def _agree(placed: Mapping[str, str], relaxed: Mapping[str, str] | None) -> bool:
    """Whether the row of a placed crystal has the energies of that of the relaxed one, as far as both have them."""
    if relaxed is None:
        return False
    energies = [name for name in placed if name.endswith(energy_column("")) and placed[name]]
    return all(number(placed[name]) == number(relaxed[name]) for name in energies if name in relaxed)


def _networks(settings: ReportSettings, screened: Folder[ScreenSummary]) -> list[Path]:
    """The run folders of train-cgcnn that the settings name, or else those that predicted the screened properties."""
    if settings.networks is not None:
        return settings.networks
    if screened.summary is None:
        return []
    named = (network for target in screened.summary.targets.values() for network in target.networks)
    return [Path(network) for network in dict.fromkeys(named)]
