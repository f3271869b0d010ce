"""Runs the steps of a round one after the other, and notes which have ended and how long each took."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from hpcvox.actors.cluster import available_cpus
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS, Outcome
from hpcvox.rounds.summary import RoundDone
from hpcvox.terminal import say

Act = Callable[[], Outcome]


def step_through(folder: Path, name: str, steps: Mapping[str, Act]) -> Outcome | None:
    """Run the steps that have not ended; return the outcome if one was interrupted, else None.

    Each step adds its time to that of earlier runs (:class:`RoundDone`), also if it is interrupted or fails.

    Args:
        folder: where :class:`RoundDone` is kept.
        name: what these steps are of, for messages.
        steps: what runs each step, by the step's name, in their order.
    """
    progress = RoundDone.load(folder) or RoundDone()
    for step, act in steps.items():
        if step in progress.done:
            continue
        say(f"\n[{name}] {step.replace('_', '-')}")
        folder.mkdir(parents=True, exist_ok=True)
        begun, ended = time.monotonic(), False
        try:
            outcome = act()
            ended = outcome.exit_status in (COMPLETE, COMPLETE_WITH_REJECTS)
        finally:
            progress = _with(progress, step, time.monotonic() - begun, ended)
            progress.save(folder)
        if not ended:
            return Outcome(
                f"campaign stopped in {step} of {name}: run the same command again", outcome.exit_status
            )
        say(outcome.summary)
    return None


def _with(progress: RoundDone, step: str, seconds: float, ended: bool) -> RoundDone:
    """``progress`` after a run of a step."""
    took = round(progress.seconds.get(step, 0.0) + seconds, 1)
    return RoundDone(
        done=[*progress.done, step] if ended else progress.done,
        seconds={**progress.seconds, step: took},
        cores=_cores(),
    )


def _cores() -> int:
    """The CPUs that this process has, on all nodes of its allocation."""
    nodes = os.environ.get("SLURM_NNODES", "1")
    return available_cpus() * (int(nodes) if nodes.isdigit() else 1)
