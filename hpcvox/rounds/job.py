"""``campaign``: round after round, each step by its verb; what is done is not done again."""

import contextlib
import importlib
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from hpcvox import config
from hpcvox.actors.cluster import available_cpus, kept_cluster
from hpcvox.calculators.by_name import require
from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.files import durable
from hpcvox.networks.vae.card import VAECard
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS, Outcome
from hpcvox.relaxation.summary import TABLE as RELAXED
from hpcvox.rounds import ending, reading, saying
from hpcvox.rounds.ending import Done
from hpcvox.rounds.folders import CIFS, FINDS, PAGE, REPLAY, ROUNDS, Round
from hpcvox.rounds.settings import BudgetSettings, CampaignSettings
from hpcvox.rounds.steps import aiming, choosing, hulls, placing, replaying, selecting, training_set
from hpcvox.rounds.summary import ROUND_COLUMNS, Find, RoundDone, RoundSummary, find_columns
from hpcvox.terminal import say
from hpcvox.training.folder import finished
from hpcvox.training.folder.card import read_card
from hpcvox.training.settings import TrainSettings

MAY_CHANGE = (
    *("rounds", "min_gain", "crystals", "generate.slices"),
    *(f"budget.{key}" for key in BudgetSettings.model_fields),
    *(f"{step}.crystals" for step in ("generate", "judge", "screen", "relax")),
)
"""Settings with which a campaign may go on though they differ from those it began with."""

Act = Callable[[], Outcome]


def run(settings: CampaignSettings) -> Outcome:
    """Run the rounds; one that was interrupted is simply run again.

    Raises:
        ConfigError: a step is told what the campaign decides, there is no hull, or no such condition.
        CheckpointError: ``model`` holds no VAE.
        MissingDependencyError: a calculator is not installed.
    """
    placing.refuse_set_by_hand(settings)
    for stage in settings.relax.stages:
        require(stage.calculator)
    hulls.with_hull(settings)
    card = read_card(settings.model, VAECard)
    aiming.refuse_unknown(settings)
    aiming.deciles(settings, card)
    with durable.sole_writer(settings.out), kept_cluster():
        config.claim(settings, settings.out, MAY_CHANGE)
        outcome = _step_through(settings.out / REPLAY, REPLAY, _replay(settings, card))
        done: list[Done] = []
        while outcome is None and (why := ending.why_over(settings, done)) is None:
            place = Round(settings.out, len(done) + 1)
            outcome = _round(settings, place, card, done)
        if outcome is not None:
            return outcome
        assert why is not None
        _write(settings, done)
    said = saying.last_words(settings, [one.summary for one in done], why)
    return Outcome(f"{said}\nopen {settings.out / PAGE}")


def _round(settings: CampaignSettings, place: Round, card: VAECard, done: list[Done]) -> Outcome | None:
    """Run one round and add it to those that are done; the outcome where it was interrupted."""
    left = ending.calculations_left(settings, done)
    outcome = _step_through(place.folder, place.name, _finding(settings, place, card, left))
    if outcome is not None:
        return outcome
    summary = RoundSummary.load(place.kept)
    assert summary is not None, f"{place.kept} has no summary"
    done.append(Done(summary, _progress(place)))
    _write(settings, done)
    if not ending.brought_too_little(settings, summary) and reading.kept_before(
        place._replace(number=place.number + 1)
    ):
        outcome = _step_through(place.folder, place.name, _learning(settings, place, card))
        done[-1] = Done(summary, _progress(place))
    return outcome


def _replay(settings: CampaignSettings, card: VAECard) -> dict[str, Act]:
    """What makes the crystals that are replayed, once."""
    drawn = settings.replayed and replaying.comes_from(settings) == replaying.DRAWN
    steps: dict[str, Act] = {}
    if drawn:
        steps["generate"] = partial(_verb, "hpcvox.generation.job", placing.replay_generate(settings, card))
        steps["judge"] = partial(_verb, "hpcvox.generation.judging.job", placing.replay_judge(settings))
    steps["replay"] = partial(replaying.run, settings, card)
    return steps


def _finding(settings: CampaignSettings, place: Round, card: VAECard, left: int | None) -> dict[str, Act]:
    """The steps of a round up to its finds."""
    return {
        "generate": lambda: _verb("hpcvox.generation.job", placing.generate(settings, place, card)),
        "judge": lambda: _verb("hpcvox.generation.judging.job", placing.judge(settings, place)),
        "choose": lambda: choosing.run(settings, place),
        **({"screen": lambda: _screened(settings, place)} if settings.want else {}),
        "relax": lambda: _relaxed(settings, place, left),
        **({"predict": lambda: _predicted(settings, place)} if settings.models else {}),
        "hull": lambda: _hull(settings, place),
        "keep": lambda: selecting.run(settings, place),
    }


def _learning(settings: CampaignSettings, place: Round, card: VAECard) -> dict[str, Act]:
    """The steps from the finds to the network of the next round."""
    return {
        "training": lambda: training_set.run(settings, place, card),
        "featurize": lambda: _verb("hpcvox.featurize.job", placing.featurize(settings, place, card)),
        "train_vae": lambda: _verb("hpcvox.training.job", placing.train_vae(settings, place, card)),
    }


def _screened(settings: CampaignSettings, place: Round) -> Outcome:
    if aiming.is_empty(place.chosen / CIFS):
        return Outcome("left out: there is no candidate to screen")
    return _verb("hpcvox.screening.job", aiming.screen(settings, place))


def _predicted(settings: CampaignSettings, place: Round) -> Outcome:
    if aiming.is_empty(place.relaxed / CIFS):
        return Outcome("left out: nothing was relaxed")
    return _verb("hpcvox.screening.job", aiming.predict(settings, place))


def _relaxed(settings: CampaignSettings, place: Round, left: int | None) -> Outcome:
    if aiming.is_empty(aiming.source(settings, place)):
        return Outcome("left out: there is no candidate to relax")
    return _verb("hpcvox.relaxation.job", placing.relax(settings, place, left))


def _hull(settings: CampaignSettings, place: Round) -> Outcome:
    if not (place.relaxed / RELAXED).exists():
        return Outcome("left out: nothing was relaxed")
    return _verb("hpcvox.stability.job", placing.hull(settings, place))


def _verb(module: str, job: Settings) -> Outcome:
    """Run a verb, whose room is loaded when its turn comes."""
    outcome: Outcome = importlib.import_module(module).run(job)
    if not outcome.summary and isinstance(job, TrainSettings):  # one of its ranks has printed its last words
        return outcome._replace(summary=finished.summary(job) or "")
    return outcome


def _step_through(folder: Path, name: str, steps: dict[str, Act]) -> Outcome | None:
    """Do those of the steps that are not done; the outcome where one was interrupted."""
    for step, act in steps.items():
        progress = RoundDone.load(folder) or RoundDone()
        if step in progress.done:
            continue
        say(f"\n[{name}] {step.replace('_', '-')}")
        folder.mkdir(parents=True, exist_ok=True)
        with _timed(folder, step):
            outcome = act()
        if outcome.exit_status not in (COMPLETE, COMPLETE_WITH_REJECTS):
            return Outcome(
                f"campaign stopped in {step} of {name}: run the same command again", outcome.exit_status
            )
        say(outcome.summary)
        progress = RoundDone.load(folder) or RoundDone()
        progress.model_copy(update={"done": [*progress.done, step]}).save(folder)
    return None


@contextlib.contextmanager
def _timed(folder: Path, step: str) -> Iterator[None]:
    """Add the time that a step takes to that of runs before, however it ends."""
    start = time.monotonic()
    try:
        yield
    finally:
        progress = RoundDone.load(folder) or RoundDone()
        took = round(progress.seconds.get(step, 0.0) + time.monotonic() - start, 1)
        update = {"seconds": {**progress.seconds, step: took}, "cores": _cores()}
        progress.model_copy(update=update).save(folder)


def _cores() -> int:
    """CPUs that this process has, on all nodes of its allocation."""
    nodes = os.environ.get("SLURM_NNODES", "1")
    return available_cpus() * (int(nodes) if nodes.isdigit() else 1)


def _progress(place: Round) -> RoundDone:
    return RoundDone.load(place.folder) or RoundDone()


def _write(settings: CampaignSettings, done: list[Done]) -> None:
    """Write the tables of all rounds that are done, the crystals of all finds, and their page."""
    places = [Round(settings.out, one.summary.round) for one in done]
    finds = [row for place in places for row in reading.kept(place)]
    columns = find_columns(hulls.stages_of(settings), hulls.with_hull(settings), aiming.targets(settings))
    durable.write_csv(settings.out / FINDS, columns, finds)
    lines = [one.summary.model_dump(include=set(ROUND_COLUMNS)) for one in done]
    durable.write_csv(settings.out / ROUNDS, ROUND_COLUMNS, lines)
    with CifSet(settings.out / CIFS).replaced(settings.crystals) as add:
        for place in places:
            cifs = CifSet(place.kept / CIFS)
            for row in reading.kept(place):
                name = row[Find.CIF].rpartition("/")[2]
                add(name, cifs.read(name))
    from hpcvox.rounds import page  # here alone: what draws takes a second to load

    page.write(settings, [one.summary for one in done], hulls.with_hull(settings))
