"""``hpcvox study best|table|plot|export``: shows the results of a study, while it runs or afterwards."""

import csv
import io
import json
import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpcvox.errors import ConfigError
from hpcvox.files import durable
from hpcvox.process.outcome import Outcome
from hpcvox.process.settings_files import CONFIG
from hpcvox.studies.books.ledger import FOLDER, SAME_AS
from hpcvox.studies.page import Plot, page
from hpcvox.studies.study import Study
from hpcvox.terminal import counted, say
from hpcvox.training.folder import card, earlier

TABLE, PLOTS = "trials.csv", "study.html"

MOST_BEST: Final = 5
"""Of a front, the trials that the page names."""


def best(out: Path) -> Outcome:
    """Show the best trial, or those of the Pareto front, and where their models are.

    Raises:
        ConfigError: there is no study, or no trial of it is complete.
    """
    study = Study.open(out)
    for trial in _best(study):
        say(f"trial {trial.number}: {_values(study, trial)}")
        for key, value in trial.params.items():
            say(f"  {key} = {value}")
        say(f"  run: {run_folder(study, trial)}")
    return Outcome("")


def table(out: Path) -> Outcome:
    """Show all trials and write them to ``trials.csv`` in the study's folder."""
    study = Study.open(out)
    metrics, keys = study.optuna.metric_names or ["value"], list(study.settings.space)
    columns = ["trial", "state", *metrics, "epochs", "seconds", *keys, "node", "run", "error"]
    rows = []
    for trial in study.trials:
        seconds = trial.duration.total_seconds() if trial.duration is not None else ""
        values = trial.values or [""] * len(metrics)
        rows.append(
            {
                "trial": trial.number,
                "state": trial.state.name.lower(),
                **dict(zip(metrics, values, strict=True)),
                "epochs": len(trial.intermediate_values) or "",
                "seconds": seconds,
                **{key: trial.params.get(key, "") for key in keys},
                "node": trial.user_attrs.get("node", ""),
                "run": trial.user_attrs.get(FOLDER, ""),
                "error": trial.user_attrs.get("error", ""),
            }
        )
    durable.write_csv(out / TABLE, columns, rows)
    text = io.StringIO()
    shown = [column for column in columns if column not in ("node", "error")]
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(shown)
    writer.writerows([[_short(row[column]) for column in shown] for row in rows])
    say(text.getvalue().expandtabs(14).removesuffix("\n"))
    return Outcome(f"{counted(len(rows), 'trial')} in {out / TABLE}")


def plot(out: Path) -> Outcome:
    """Write ``study.html`` with history, curves, importances and slices; it can be opened offline."""
    study = Study.open(out)
    if not any(trial.state == TrialState.COMPLETE for trial in study.trials):
        raise ConfigError(f"{out}: no trial is complete yet, there is nothing to plot")
    best_ones = _best(study)
    facts = {"trials": _states(study)}
    for trial in best_ones[:MOST_BEST]:
        facts[f"trial {trial.number}"] = _values(study, trial)
        of = f" of trial {trial.number}" if len(best_ones) > 1 else ""
        facts |= {f"{key}{of}": _short(value) for key, value in trial.params.items()}
    command = f"hpcvox study export {out} {out}_best"
    if len(best_ones) > 1:
        command = f"hpcvox study best {out}"
    plots = _plots(study)
    durable.write_text(out / PLOTS, page(f"Study {out}", facts, command, plots))
    return Outcome(f"{counted(len(plots), 'plot')} in {out / PLOTS}")


def _plots(study: Study) -> list[Plot]:
    view, objectives, settings = optuna.visualization, study.settings.objectives, len(study.settings.space)
    plots = []
    if len(objectives) == 1:
        metric = objectives[0].metric
        curves = view.plot_intermediate_values(study.optuna)
        curves.update_layout(xaxis_title="epoch", yaxis_title=metric)
        history = view.plot_optimization_history(study.optuna, target_name=metric)
        plots += [Plot("Trial by trial", history), Plot("The curve of each trial", curves)]
    elif len(objectives) <= 3:
        plots.append(Plot("All trials, and the best among them", view.plot_pareto_front(study.optuna), 3))
    for number, objective in enumerate(objectives):
        value, metric = partial(_value, number), objective.metric
        slices = view.plot_slice(study.optuna, target=value, target_name=metric)
        lines = view.plot_parallel_coordinate(study.optuna, target=value, target_name=metric)
        plots += [
            Plot(f"{metric} over each setting", slices, settings),
            Plot(f"{metric} and all settings of each trial", lines, settings + 1),
        ]
    return plots


def export(out: Path, target: Path) -> Outcome:
    """Copy the model of the best trial, with its card and settings, to the new folder ``target``.

    Raises:
        ConfigError: no trial is complete, several are best, or ``target`` exists.
        CheckpointError: the model is damaged.
    """
    study = Study.open(out)
    candidates = _best(study)
    if len(candidates) > 1:
        numbers = ", ".join(f"{trial.number} ({run_folder(study, trial)})" for trial in candidates)
        raise ConfigError(
            f"{out} has a front of {len(candidates)} best trials: copy the run of one: {numbers}"
        )
    if target.exists():
        raise ConfigError(f"{target} exists: choose a new folder")
    from hpcvox.training.folder.runs import (
        load_model,  # imported here: the other functions need no PyTorch
    )

    source = run_folder(study, candidates[0])
    load_model(source)
    part = durable.part_of(target)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    beside = [name for name in (*study.settings.network.leaves, earlier.CARD) if (source / name).exists()]
    for name in (card.WEIGHTS, CONFIG, card.METRICS, *beside):
        durable.write_bytes(part / name, (source / name).read_bytes())
    durable.write_json(part / "trial.json", _facts(study, candidates[0]))
    part.rename(target)
    durable.sync_folder(target.parent)
    return Outcome(
        f"model of trial {candidates[0].number}, {_values(study, candidates[0])}: {target / card.WEIGHTS}"
    )


def run_folder(study: Study, trial: FrozenTrial) -> Path:
    """The run folder of a trial, or of the trial whose result it shares."""
    every = study.optuna.get_trials(deepcopy=False)
    for _ in every:  # a stranger's study may lead in a circle
        trial = every[trial.user_attrs.get(SAME_AS, trial.number)]
    if FOLDER not in trial.user_attrs or SAME_AS in trial.user_attrs:
        raise ConfigError(f"{study.out}: trial {trial.number} has no run")
    return study.out / str(trial.user_attrs[FOLDER]) / "run"


def _best(study: Study) -> list[FrozenTrial]:
    if not any(trial.state == TrialState.COMPLETE for trial in study.trials):
        raise ConfigError(f"{study.out}: no trial is complete yet")
    if len(study.settings.objectives) == 1:
        return [study.optuna.best_trial]
    return list(study.optuna.best_trials)


def _facts(study: Study, trial: FrozenTrial) -> dict[str, Any]:
    return {
        "study": str(study.out),
        "trial": trial.number,
        "values": dict(zip(study.optuna.metric_names or ["value"], trial.values, strict=True)),
        "params": json.loads(json.dumps(trial.params)),
    }


def _states(study: Study) -> str:
    """How many trials there are, and what became of them."""
    states = Counter(trial.state.name.lower() for trial in study.trials)
    return ", ".join(f"{count:,} {state}" for state, count in states.most_common())


def _value(number: int, trial: FrozenTrial) -> float:
    return float(trial.values[number])


def _values(study: Study, trial: FrozenTrial) -> str:
    names = study.optuna.metric_names or ["value"]
    return ", ".join(f"{name} {value:.6g}" for name, value in zip(names, trial.values, strict=True))


def _short(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
