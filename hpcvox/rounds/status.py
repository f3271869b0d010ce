"""``campaign status``: says how far a campaign is; it only reads its files."""

from pathlib import Path

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.generation.summary import GenerateSummary
from hpcvox.process.outcome import Outcome
from hpcvox.process.settings_files import CONFIG
from hpcvox.rounds import ending, reading, saying
from hpcvox.rounds.ending import Done
from hpcvox.rounds.folders import CIFS, FINDS, REPLAY, Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import RoundDone, RoundSummary
from hpcvox.terminal import counted


def status(out: Path) -> Outcome:
    """Say what each round has found, what the round at work has done, and what was found so far.

    Raises:
        ConfigError: there is no campaign in ``out``.
        SummaryError: one of its JSON files is damaged.
        HpcvoxError: one of its tables cannot be read.
    """
    try:
        settings = config.load(CampaignSettings, out / CONFIG).model_copy(update={"out": out})
    except ConfigError as error:
        raise ConfigError(f"{out} is no folder of hpcvox campaign: {error}") from None
    done: list[Done] = []
    lines = []
    for number in range(1, settings.rounds + 1):
        place = Round(out, number)
        progress = RoundDone.load(place.folder) or RoundDone()
        summary = RoundSummary.load(place.kept) if "keep" in progress.done else None
        if summary is None:
            if number > 1 or progress.done or progress.seconds:
                lines.append(f"{place.name}: {_at_work(settings, place, progress)}")
            else:
                lines.append(_beginning(RoundDone.load(out / REPLAY) or RoundDone()))
            break
        done.append(Done(summary, progress))
        lines.append(f"{saying.of_round(summary)}; {progress.core_hours:.2f} core hours{_learnt(progress)}")
        if ending.why_over(settings, done) is not None:
            break
    if (why := ending.why_over(settings, done)) is not None:
        lines.append(f"it ends because {why}")
    finds = saying.lowest(reading.rows(out / FINDS))
    hours = sum(one.progress.core_hours for one in done)
    lines.append(f"{counted(len(finds), 'find')} in {out / FINDS}; {hours:.2f} core hours so far")
    if finds:
        lines.append("lowest above the hull: " + "; ".join(saying.named(row) for row in finds[: saying.BEST]))
    return Outcome("\n".join(lines))


def _beginning(replay: RoundDone) -> str:
    return (
        "the crystals to replay are ready; no round has begun"
        if "replay" in replay.done
        else "it has just begun"
    )


def _learnt(progress: RoundDone) -> str:
    return "; its training is done" if "train_vae" in progress.done else ""


def _at_work(settings: CampaignSettings, place: Round, progress: RoundDone) -> str:
    """What has been done in a round that has no finds yet."""
    if not progress.done and not progress.seconds:
        return "not begun"
    said = [f"done: {', '.join(progress.done) or 'nothing yet'}"]
    if "relax" in progress.done or "choose" not in progress.done:
        made = GenerateSummary.load(place.generated)
        return "; ".join([*said, *([] if made is None else [counted(made.samples, "candidate")])])
    chosen = sum(1 for _ in (place.chosen / CIFS).glob("*.cif"))
    ended = sum(1 for _ in (place.relaxed / "states").glob("*.json"))
    return "; ".join([*said, f"{ended:,} of {chosen:,} relaxed"])
