"""``campaign``: runs round after round, each step by its verb; a step that has ended is not run again."""

import importlib
from functools import partial

from hpcvox import config
from hpcvox.actors.cluster import kept_cluster
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
from hpcvox.rounds.settings import BudgetSettings, CampaignSettings, FinalSettings
from hpcvox.rounds.stepping import Act, step_through
from hpcvox.rounds.steps import aiming, choosing, final, hulls, placing, replaying, selecting, training_set
from hpcvox.rounds.summary import ROUND_COLUMNS, Find, RoundDone, RoundSummary, find_columns
from hpcvox.training.folder import finished
from hpcvox.training.folder.card import read_card
from hpcvox.training.settings import TrainSettings

MAY_CHANGE = (
    *("rounds", "min_gain", "crystals", "generate.slices"),
    *(f"budget.{key}" for key in BudgetSettings.model_fields),
    *(f"final.{key}" for key in FinalSettings.model_fields),
    *(f"{step}.crystals" for step in ("generate", "judge", "screen", "relax")),
)
"""Settings that may change while a campaign goes on."""


def run(settings: CampaignSettings) -> Outcome:
    """Run the rounds; a campaign that was interrupted goes on when it is run again.

    Raises:
        ConfigError: the settings of a step have a key that the campaign decides, no calculator has references,
            ``model`` has no such condition, no network predicts what is wanted, or the folder holds results of other
            settings.
        CheckpointError: ``model`` holds no VAE, or one of ``models`` no CGCNN.
        MissingDependencyError: a calculator is not installed.
        BusyError: another run is writing the folder.
    """
    placing.refuse_set_by_hand(settings)
    for stage in (*settings.relax.stages, *settings.final.stages):
        require(stage.calculator)
    hulls.with_hull(settings)
    card = read_card(settings.model, VAECard)
    aiming.refuse_unknown(settings)
    aiming.deciles(settings, card)
    with durable.sole_writer(settings.out), kept_cluster():
        config.claim(settings, settings.out, MAY_CHANGE)
        outcome = step_through(settings.out / REPLAY, REPLAY, _replay(settings, card))
        done: list[Done] = []
        while outcome is None and (why := ending.why_over(settings, done)) is None:
            place = Round(settings.out, len(done) + 1)
            outcome = _round(settings, place, card, done)
        if outcome is not None:
            return outcome
        assert why is not None
        _write(settings, done)
        if (outcome := _final(settings)) is not None:
            return outcome
    said = saying.last_words(settings, [one.summary for one in done], why)
    return Outcome("\n".join(filter(None, [said, final.told(settings), f"open {settings.out / PAGE}"])))


def _final(settings: CampaignSettings) -> Outcome | None:
    """Relax the best finds once more; return the outcome if that was interrupted, else None."""
    if not final.choose(settings):
        return None
    for module, job in final.jobs(settings):
        outcome = _verb(module, job)
        if outcome.exit_status not in (COMPLETE, COMPLETE_WITH_REJECTS):
            words = "campaign stopped in the final selection: run the same command again"
            return Outcome(words, outcome.exit_status)
    return None


def _round(settings: CampaignSettings, place: Round, card: VAECard, done: list[Done]) -> Outcome | None:
    """Run one round and add it to those that are ``done``; return the outcome if a step was interrupted, else None."""
    left = ending.calculations_left(settings, done)
    outcome = step_through(place.folder, place.name, _finding(settings, place, card, left))
    if outcome is not None:
        return outcome
    summary = RoundSummary.load(place.kept)
    assert summary is not None, f"{place.kept} has no summary"
    done.append(Done(summary, _progress(place)))
    _write(settings, done)
    if not ending.brought_too_little(settings, summary) and reading.kept_before(
        place._replace(number=place.number + 1)
    ):
        outcome = step_through(place.folder, place.name, _learning(settings, place, card))
        done[-1] = Done(summary, _progress(place))
    return outcome


def _replay(settings: CampaignSettings, card: VAECard) -> dict[str, Act]:
    """The steps that make the crystals to replay; the campaign runs them once."""
    drawn = settings.replayed and replaying.comes_from(settings) == replaying.DRAWN
    steps: dict[str, Act] = {}
    if drawn:
        steps["generate"] = partial(_verb, "hpcvox.generation.job", placing.replay_generate(settings, card))
        steps["judge"] = partial(_verb, "hpcvox.generation.judging.job", placing.replay_judge(settings))
    steps["replay"] = partial(replaying.run, settings, card)
    return steps


def _finding(settings: CampaignSettings, place: Round, card: VAECard, left: int | None) -> dict[str, Act]:
    """The steps of a round from drawing candidates to its finds."""
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
    """The steps of a round from its finds to the network of the next round."""
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
    """Run a verb; ``module`` is imported only now, since some take seconds to load."""
    outcome: Outcome = importlib.import_module(module).run(job)
    # a training on several ranks has let one of them print its last words
    if not outcome.summary and isinstance(job, TrainSettings):
        return outcome._replace(summary=finished.summary(job) or "")
    return outcome


def _progress(place: Round) -> RoundDone:
    return RoundDone.load(place.folder) or RoundDone()


def _write(settings: CampaignSettings, done: list[Done]) -> None:
    """Write the tables of all rounds that are done, the CIFs of all finds, and their page."""
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
    # imported only here: what draws takes a second to load
    from hpcvox.rounds import page

    page.write(settings, [one.summary for one in done], hulls.with_hull(settings))
