"""Studies: what they ask for, that nothing of them is lost, and what they find.

The tests of what a study finds, and of a trial that fails, have real trainings.  The others ask how a study keeps its
books: there workers and trainings are processes that can be killed, and a training is a small one.
"""

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from hpcvox import cli, config
from hpcvox.errors import ConfigError
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.model import UNet
from hpcvox.networks.unet.settings import TrainUNetSettings, UNetSettings
from hpcvox.process.interrupt import StopRequest
from hpcvox.process.outcome import INTERRUPTED, Outcome
from hpcvox.studies import job, space
from hpcvox.studies.books.journal import JOURNAL, mend
from hpcvox.studies.books.ledger import ATTEMPT, FOLDER
from hpcvox.studies.books.storage import storage
from hpcvox.studies.settings import StudySettings
from hpcvox.studies.study import Claim, Study
from hpcvox.training import rank
from hpcvox.training.folder import runs
from hpcvox.training.folder.card import WEIGHTS, read_card
from hpcvox.training.folder.metrics import read_metrics
from tests.support import small_training, trivial_trials
from tests.support.cards import as_before, training_on
from tests.support.paths import ROOT
from tests.support.training_runs import wait_for
from tests.support.voxel_shards import SMALL_UNET, make_shards

# ------------------------------------------------------------------ the journal


@given(
    lines=st.lists(st.text(st.characters(exclude_characters="\n"), max_size=9000), max_size=4), torn=st.text()
)
def test_half_a_line_is_cut_off_and_no_more(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], torn: str
) -> None:
    path = tmp_path_factory.mktemp("journal") / "log"
    whole = "".join(f"{line}\n" for line in lines).encode()
    tail = torn.replace("\n", "").encode()
    path.write_bytes(whole + tail)
    assert mend(path) == len(tail)
    assert path.read_bytes() == whole


def torn_and_written_to(folder: Path, make: Callable[[Path], BaseStorage]) -> optuna.Study:
    """A study of three trials whose journal was torn, after two more writers."""
    folder.mkdir()
    study = optuna.create_study(storage=make(folder), study_name="x")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    with (folder / JOURNAL).open("ab") as file:
        file.write(b'{"op_code":4,"worker_id":"kill')  # as a kill leaves it
    for _ in range(2):
        with contextlib.suppress(AttributeError):  # what Optuna makes of a line that is lost
            optuna.load_study(storage=make(folder), study_name="x").ask()
    return optuna.load_study(storage=make(folder), study_name="x")


def test_a_study_outlives_a_torn_line_which_optuna_alone_does_not(tmp_path: Path) -> None:
    assert len(torn_and_written_to(tmp_path / "ours", storage).trials) == 5
    with pytest.raises(json.JSONDecodeError):
        torn_and_written_to(
            tmp_path / "plain", lambda f: JournalStorage(JournalFileBackend(str(f / JOURNAL)))
        )


@pytest.mark.slow
def test_many_processes_write_to_one_journal_and_no_trial_is_lost(tmp_path: Path) -> None:
    optuna.create_study(storage=storage(tmp_path), study_name="x", sampler=optuna.samplers.RandomSampler())
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        list(pool.map(trivial_trials.tell, [tmp_path] * 4, [25] * 4))
    trials = optuna.load_study(storage=storage(tmp_path), study_name="x").trials
    assert [trial.number for trial in trials] == list(range(100))
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}


# ------------------------------------------------------------------ the space


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("study*.yaml")), ids=lambda path: path.stem)
def test_the_studies_of_configs_have_spaces_that_their_trainings_allow(path: Path) -> None:
    settings = config.load(StudySettings, path)
    space.check(settings)
    assert space.distributions(settings).keys() == settings.space.keys()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["space.learning_rte.choices=[1]"], "unknown key learning_rte: did you mean learning_rate"),
        (["space={ema: {low: 0.5, high: 1.5}}"], r"ema=1\.5.*less than 1"),
        (["space.precision.choices=[float32, float8]"], "precision=float8.*'float32' or 'bfloat16'"),
        (["space={model.lattent: {choices: [1]}}"], "unknown key model.lattent"),
        (["space={model.patch.size: {choices: [1]}}"], "model.patch"),
        (["space.epochs.low=5", "space.epochs.high=5"], "low must be below high"),
        (["space.epochs.low=5"], "give choices, or low and high"),
        (["space={}"], "space"),
        (["space.epochs={low: 0, high: 9, log: true}"], "log needs a range above 0"),
        (["space.out.choices=[a, b]"], "out is set by the study itself"),
        (["settings.epoch=3"], "unknown key epoch: did you mean epochs"),
        (["verb=train-unett"], "verb"),
        (["base=absent.yaml"], "absent.yaml"),
        (["objectives=[{metric: loss}]"], "metric"),
        (["objectives=[{metric: held_out/loss}, {metric: held_out/recall}]"], "set pruner=none"),
        (["sampler=guess"], "sampler"),
        (["settings.shards=absent"], "absent"),
    ],
)
def test_a_study_that_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, given: list[str], said: str
) -> None:
    out = tmp_path / "study"
    with pytest.raises(Exception, match=said) as error:
        Study.begin(config.load(StudySettings, ROOT / "configs/study.yaml", [f"out={out}", *given]))
    assert type(error.value).__module__ == "hpcvox.errors"
    assert not out.exists()


def test_a_point_is_put_into_the_training_s_settings(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("epochs: 7\nmodel: {patch: 2, features: 4}\n")
    more = [
        "settings.model.features=6",
        "space={model.patch: {choices: [1, 2]}, model.down: {choices: [[[8, 8]], [[4, 4]]]}}",
    ]
    settings = config.load(StudySettings, None, [f"base={tmp_path / 'base.yaml'}", *more])
    made = space.training(settings, {"model.patch": 1, "model.down": "[[4, 4]]"})
    assert isinstance(made, TrainUNetSettings)
    assert (made.epochs, made.model.patch, made.model.features, made.model.down) == (7, 1, 6, ((4, 4),))


# ------------------------------------------------------------------ whole studies

SMALL = [
    SMALL_UNET.replace("model=", "settings.model="),
    *("settings.epochs=3", "settings.batch_size=12", "settings.threads=1", "settings.species_voxels=64"),
    "settings.warmup_steps=0",
    "space={learning_rate: {low: 1.0e-5, high: 3.0e-2, log: true}, batch_size: {choices: [6, 12]}}",
    "heartbeat_s=3",
]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard set of 48 perovskites, with a network of random weights beside it."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "network").mkdir()
    shape = yaml.safe_load(SMALL_UNET.removeprefix("model="))
    unet = UNet(UNetSettings.model_validate(shape))
    card = UNetCard(run=training_on(folder / "shards"), model=unet.settings, grid="periodic", voxels=16)
    runs.export(folder / "network", unet, card)
    return make_shards(folder / "shards")


def asked(shards: Path, out: Path, *more: str) -> list[str]:
    """Of a study whose trainings are small ones: they leave the network as it is."""
    return [
        f"settings.shards={shards}",
        f"settings.initial={shards.parent / 'network'}",
        f"out={out}",
        *SMALL,
        *more,
    ]


def settings(shards: Path, out: Path, *more: str) -> StudySettings:
    return config.load(StudySettings, None, asked(shards, out, *more))


def real(shards: Path, out: Path, *more: str) -> StudySettings:
    """Of a study whose trainings are real."""
    return settings(shards, out, "settings.initial=null", *more)


def start(shards: Path, out: Path, *more: str, epoch_s: float = 0.05) -> subprocess.Popen[str]:
    """A worker whose trainings are small ones, which take ``epoch_s`` for an epoch."""
    command = [sys.executable, "-m", "tests.support.study_worker", *asked(shards, out, *more)]
    environment = {**os.environ, small_training.EPOCH_S: str(epoch_s)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def work(settings: StudySettings) -> Outcome:
    """Be a worker whose trainings are small ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "TRAINING", small_training.COMMAND)
        return job.run(settings)


def params(out: Path) -> list[dict[str, Any]]:
    return [trial.params for trial in Study.open(out).trials]


@pytest.fixture(scope="module")
def studied(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one worker, done; its trainings are real."""
    out = tmp_path_factory.mktemp("studied") / "study"
    outcome = job.run(real(shards, out, "trials=2", "pruner=none"))
    assert outcome.exit_status == 0
    assert re.match(r"study complete: 2 complete; best \d\.\d+; in ", outcome.summary)
    return out


@pytest.mark.slow
def test_a_real_training_that_promises_little_is_stopped(shards: Path, tmp_path: Path) -> None:
    """With this seed two good learning rates come before two with which nothing is learnt."""
    out = tmp_path / "study"
    rates = "space={learning_rate: {choices: [3.0e-3, 2.0e-3, 1.0e-30, 2.0e-30]}}"
    given = (rates, "sampler=random", "seed=5", "trials=4", "pruner=median", "warmup_epochs=0")
    assert job.run(real(shards, out, *given, "settings.epochs=10")).exit_status == 0
    states = {trial.number: trial.state for trial in Study.open(out).trials}
    assert states == dict(enumerate([TrialState.COMPLETE] * 2 + [TrialState.PRUNED] * 2))
    assert all(0 < len(trial.intermediate_values) < 10 for trial in Study.open(out).trials[2:])


@pytest.fixture(scope="module")
def undisturbed(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one worker, done; its trainings are small ones."""
    out = tmp_path_factory.mktemp("undisturbed") / "study"
    outcome = work(settings(shards, out, "trials=4", "pruner=none"))
    assert outcome.exit_status == 0
    assert re.match(r"study complete: 4 complete; best \d\.\d+; in ", outcome.summary)
    return out


@pytest.mark.slow
def test_small_trainings_leave_what_real_ones_do(studied: Path, undisturbed: Path) -> None:
    by_real, by_small = studied / "trials/0000/run", undisturbed / "trials/0000/run"
    assert [line.keys() ^ read_metrics(by_real)[0].keys() for line in read_metrics(by_small)] == [set()] * 3
    small, real = (read_card(run, UNetCard).run.metrics for run in (by_small, by_real))
    assert small.keys() == real.keys()
    left = {path.name for path in by_real.iterdir()}
    beside = {"tensorboard", "inputs.json", "finished.json"}  # which no study looks at
    assert {path.name for path in by_small.iterdir()} == left - beside
    assert small_training.LET_GO_S == rank.LET_GO_S


@pytest.mark.slow
def test_every_trial_is_a_run_with_its_settings_and_its_curve(studied: Path) -> None:
    trials = Study.open(studied).trials
    assert len(trials) == 2
    for trial in trials:
        run = studied / trial.user_attrs["run"] / "run"
        saved = config.load(TrainUNetSettings, run / "config.yaml")
        assert saved.learning_rate == trial.params["learning_rate"]
        curve = {line["epoch"]: line["held_out/loss"] for line in read_metrics(run)}
        assert trial.intermediate_values == curve
        assert trial.value == min(curve.values())
        assert not (run / "checkpoints").exists()
        runs.load_model(run, UNetCard)


def value_of(trial: FrozenTrial) -> float:
    assert trial.value is not None
    return trial.value


@pytest.mark.slow
def test_what_is_found_is_shown_and_kept(
    studied: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    best = min(Study.open(studied).trials, key=value_of)
    assert cli.main(["study", "best", str(studied)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"trial {best.number}: held_out/loss {best.value:.6g}\n")
    assert f"learning_rate = {best.params['learning_rate']}" in said
    assert cli.main(["study", "table", str(studied)]) == 0
    with (studied / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["complete"] * 2
    assert float(rows[best.number]["held_out/loss"]) == best.value
    assert cli.main(["study", "plot", str(studied)]) == 0
    page = (studied / "study.html").read_text()
    assert page.count('class="plot plotly-graph-div"') == 4
    assert not re.search(r"<(script|link)[^>]*(src|href)=", page), "it needs no network"
    target = tmp_path / "best"
    assert cli.main(["study", "export", str(studied), str(target)]) == 0
    _, card = runs.load_model(target, UNetCard)
    assert card.run.metrics["held_out/loss"] == best.value
    assert json.loads((target / "trial.json").read_text())["params"] == best.params
    assert cli.main(["study", "export", str(studied), str(target)]) == 2
    assert "exists" in capsys.readouterr().err


@pytest.mark.slow
def test_a_model_whose_card_is_beside_it_as_versions_before_kept_it_is_exported_with_it(
    studied: Path, tmp_path: Path
) -> None:
    shutil.copytree(studied, tmp_path / "study")
    for run in (tmp_path / "study").glob("trials/*/run"):
        as_before(run)
    assert cli.main(["study", "export", str(tmp_path / "study"), str(tmp_path / "best")]) == 0
    runs.load_model(tmp_path / "best", UNetCard)


@pytest.mark.slow
def test_a_study_is_given_more_trials_and_chooses_as_it_would_have(
    shards: Path, undisturbed: Path, tmp_path: Path
) -> None:
    out = tmp_path / "study"
    for trials in (2, 4):
        work(settings(shards, out, f"trials={trials}", "pruner=none"))
        assert len(Study.open(out).trials) == trials
    assert params(out) == params(undisturbed)
    assert [t.value for t in Study.open(out).trials] == [t.value for t in Study.open(undisturbed).trials]
    with pytest.raises(ConfigError, match="seed"):
        work(settings(shards, out, "trials=4", "pruner=none", "seed=1"))


@pytest.mark.slow
@pytest.mark.parametrize("sign", ["config.yaml", "run/metrics.jsonl"], ids=["it starts", "it trains"])
def test_a_worker_that_is_told_to_stop_leaves_its_trial_to_the_next(
    shards: Path, undisturbed: Path, tmp_path: Path, sign: str
) -> None:
    out, more = tmp_path / "study", ("trials=4", "pruner=none")
    process = start(shards, out, *more, epoch_s=1)
    wait_for((out / "trials/0001" / sign).exists)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == INTERRUPTED, said
    assert "run the same command again" in said
    work(settings(shards, out, *more))
    trials = Study.open(out).trials
    found, expected = (
        [(t.params["learning_rate"], t.value) for t in s] for s in (trials, Study.open(undisturbed).trials)
    )
    assert sorted(found) == sorted(expected)
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 4
    assert max(trial.user_attrs.get(ATTEMPT, 1) for trial in trials) == 2
    assert len({trial.user_attrs["run"] for trial in trials}) == 4


@pytest.mark.slow
def test_workers_die_a_line_is_torn_and_the_study_has_its_trials_each_once(
    shards: Path, tmp_path: Path
) -> None:
    out, more = tmp_path / "study", ("trials=6", "pruner=none")
    workers = [start(shards, out, *more, epoch_s=0.5) for _ in range(2)]
    struck = psutil.Process(workers[0].pid)
    wait_for(lambda: len(list(out.glob("trials/*/run/metrics.jsonl"))) >= 3 and struck.children())
    workers[0].kill()
    workers[0].wait()
    with (out / JOURNAL).open("ab") as file:
        file.write(b'{"op_code":7,"trial_id":')
    workers.append(start(shards, out, *more))
    for process in workers[1:]:
        said = process.communicate(timeout=300)[0]
        assert process.returncode == 0, said
        assert "study complete: 6 complete" in said
    study = Study.open(out)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 6
    assert len({trial.user_attrs["run"] for trial in study.trials}) == 6
    assert not [t for t in study.optuna.trials if t.state in (TrialState.RUNNING, TrialState.WAITING)]
    assert any(trial.user_attrs.get(ATTEMPT, 1) == 2 for trial in study.trials), "that of the killed worker"


def test_a_trial_whose_worker_dies_while_it_asks_keeps_its_parameters(shards: Path, tmp_path: Path) -> None:
    study = Study.begin(settings(shards, tmp_path / "study", "trials=1", "heartbeat_s=0.2"))
    first = study.claim()
    assert first is not None
    study.give_back(first.trial.number)
    # as one leaves it that takes it up and is killed between the first of its parameters and the second
    study.optuna.ask({"batch_size": space.distributions(study.settings)["batch_size"]})
    claims: list[Claim] = []

    def claimed() -> bool:
        if (claim := study.claim()) is not None:
            claims.append(claim)
        return bool(claims)

    wait_for(claimed)
    assert (claims[0].trial.params, claims[0].folder) == (first.trial.params, first.folder)


def test_a_twin_is_pruned_with_the_trial_that_it_is_like(shards: Path, tmp_path: Path) -> None:
    more = ("space={batch_size: {choices: [12]}}", "trials=2")
    study = Study.begin(settings(shards, tmp_path / "study", *more))
    first, second = study.claim(), study.claim()
    assert first is not None
    assert second is not None
    assert second.twin == first.trial.number
    first.trial.report(2.5, 1)
    study.tell(first.trial.number, None, TrialState.PRUNED)
    job._trial(study, second, StopRequest())
    assert [trial.state for trial in study.trials] == [TrialState.PRUNED] * 2
    assert study.left == 0


@pytest.mark.slow
@pytest.mark.parametrize("with_its_training", [True, False], ids=["all of it", "the worker alone"])
def test_a_worker_that_was_stopped_too_long_goes_on_with_the_next_trial(
    shards: Path, undisturbed: Path, tmp_path: Path, with_its_training: bool
) -> None:
    out, more = tmp_path / "study", ("trials=2", "pruner=none", "heartbeat_s=2")
    sleeper = start(shards, out, *more, epoch_s=1)
    wait_for(lambda: len(list(out.glob("trials/0000/run/metrics.jsonl"))) == 1)
    sleeper.send_signal(signal.SIGSTOP)
    trainings = psutil.Process(sleeper.pid).children(recursive=True) if with_its_training else []
    for training in trainings:
        training.suspend()
    other = start(shards, out, *more, epoch_s=1)
    wait_for(
        lambda: TrialState.RUNNING in [t.state for t in Study.open(out).trials if ATTEMPT in t.user_attrs]
    )
    if with_its_training:  # which does not let go of its folder: the trial is begun anew, and is not over yet
        wait_for(lambda: list(out.glob("trials/0000-*/run/metrics.jsonl")))
    else:
        wait_for(lambda: any(t.state == TrialState.COMPLETE for t in Study.open(out).trials))
    for training in trainings:
        training.resume()
    sleeper.send_signal(signal.SIGCONT)
    for process in (sleeper, other):
        said = process.communicate(timeout=300)[0]
        assert process.returncode == 0, said
        assert "study complete: 2 complete" in said
        assert (process is sleeper) == ("warning: trial 0 was given to another worker" in said)
    study = Study.open(out)
    assert [trial.state for trial in study.optuna.trials].count(TrialState.FAIL) == 1
    expected = {t.params["learning_rate"]: t.value for t in Study.open(undisturbed).trials[:2]}
    assert {t.params["learning_rate"]: t.value for t in study.trials} == expected
    for run in out.glob("trials/*/run"):
        epochs = [line["epoch"] for line in read_metrics(run)]
        assert epochs == [*range(1, len(epochs) + 1)]
        assert not (run / "checkpoints").exists()
    told = [study.out / trial.user_attrs[FOLDER] / "run" for trial in study.trials]
    assert [read_card(run, UNetCard).run.metrics["held_out/loss"] for run in told] == [
        trial.value for trial in study.trials
    ]
    assert len(list(out.glob("trials/0000*"))) == (2 if with_its_training else 1)


@pytest.mark.slow
def test_the_last_worker_takes_up_the_trial_whose_result_its_own_waits_for(
    shards: Path, tmp_path: Path
) -> None:
    out, more = tmp_path / "study", ("space={batch_size: {choices: [12]}}", "trials=2", "pruner=none")
    Study.begin(settings(shards, out, *more)).claim()  # by a worker that gives no sign of life any more
    process = start(shards, out, *more)
    try:
        said = process.communicate(timeout=120)[0]
    finally:
        process.kill()
    assert "study complete: 2 complete" in said
    assert [path.name for path in out.glob("trials/*/run")] == ["run"], "one training for both"


@pytest.mark.slow
def test_a_trial_that_promises_little_is_ended_and_cleaned_away(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    more = [
        "space.learning_rate={choices: [3.0e-3, 3.1e-3, 3.2e-3, 3.3e-3, 1.0e-30, 1.1e-30]}",
        "sampler=random",
    ]
    work(
        settings(
            shards,
            out,
            *more,
            "trials=8",
            "pruner=median",
            "warmup_epochs=0",
            "settings.epochs=400",
            "settings.patience=2",
        )
    )
    study = Study.open(out)
    pruned = [trial for trial in study.trials if trial.state == TrialState.PRUNED]
    assert pruned
    for trial in pruned:
        run = out / trial.user_attrs["run"] / "run"
        assert not (run / "checkpoints").exists()
        assert not (run / WEIGHTS).exists()
        assert 0 < len(trial.intermediate_values) < 400
    assert all(t.state in (TrialState.PRUNED, TrialState.COMPLETE) for t in study.trials)


@pytest.mark.slow
def test_the_same_parameters_are_not_trained_twice(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    more = ["space={batch_size: {choices: [6, 12]}}", "sampler=random", "pruner=none", "settings.epochs=1"]
    work(settings(shards, out, *more, "trials=6"))
    trials = Study.open(out).trials
    assert len(trials) == 6
    assert len(list(out.glob("trials/*/run"))) == len({t.params["batch_size"] for t in trials})
    assert len({(t.params["batch_size"], t.value) for t in trials}) == len(
        {t.params["batch_size"] for t in trials}
    )


@pytest.mark.slow
def test_a_trial_that_fails_says_why_and_the_study_goes_on(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    more = [
        "space={learning_rate: {choices: [1.0e+30, 1.0e-3]}, seed: {choices: [1, 2, 3]}}",
        "pruner=none",
        "sampler=random",
        "settings.clip_norm=0",
        "settings.epochs=2",
    ]
    job.run(real(shards, out, *more, "trials=2", "seed=2"))
    failed, next_one = Study.open(out).trials
    assert failed.params["learning_rate"] == 1e30
    assert failed.state == TrialState.FAIL
    assert "the loss is not finite" in failed.user_attrs["error"]
    assert next_one.state == TrialState.COMPLETE


@pytest.mark.slow
def test_a_figure_that_the_training_has_not_is_refused_with_those_it_has(
    shards: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"no figure held_out/beauty; valid: .*held_out/recall"):
        work(settings(shards, tmp_path / "study", "objectives=[{metric: held_out/beauty}]", "trials=1"))


@pytest.mark.slow
def test_several_objectives_make_a_front(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "study"
    front = [
        "objectives=[{metric: held_out/loss}, {metric: held_out/mask_f1, direction: maximize}]",
        "pruner=none",
    ]
    work(settings(shards, out, *front, "sampler=nsga2", "trials=3", "settings.epochs=1"))
    assert cli.main(["study", "best", str(out)]) == 0
    assert re.search(
        r"^trial \d+: held_out/loss [\d.]+, held_out/mask_f1 [\d.e-]+$", capsys.readouterr().out, re.MULTILINE
    )
    assert cli.main(["study", "plot", str(out)]) == 0


def test_what_is_no_study_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("best", "table", "plot"):
        assert cli.main(["study", verb, str(tmp_path)]) == 2
        assert "holds no study" in capsys.readouterr().err
