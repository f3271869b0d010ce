"""The dashboard of a live study in a real browser: it shows trials, curves and pictures, and what is new."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from matplotlib.image import imread
from optuna.trial import FrozenTrial, TrialState

from hpcvox import cli
from hpcvox.errors import ConfigError
from hpcvox.process.outcome import INTERRUPTED
from hpcvox.studies import pictures
from hpcvox.studies.books.journal import ARTIFACTS, JOURNAL
from hpcvox.studies.checkout import git_version
from hpcvox.studies.dashboard import ssh_line
from hpcvox.studies.study import Study
from tests.support import small_training
from tests.support.browsing import errors, requests, wait
from tests.support.training_runs import wait_for
from tests.support.voxel_shards import make_shards

LIMIT_S = 120
"""For what takes seconds on a machine that has nothing else to do."""


def started(module: str, *arguments: Path | str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    environment = {**os.environ, **environment}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def dashboard(out: Path, **environment: str) -> subprocess.Popen[str]:
    return started("hpcvox", "study", "dashboard", out, **environment)


def line_of(process: subprocess.Popen[str]) -> str:
    """The next that it says."""
    assert process.stdout is not None
    return process.stdout.readline()


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """The process is told to stop at the end, and does."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=LIMIT_S)


class Worker:
    """Of a study with more trials than it will ever come to; a training is a small one, of two seconds."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "study"
        self._shards = make_shards(folder / "shards")
        self._process: subprocess.Popen[str] | None = None

    def work(self) -> None:
        """Be at it, with a trial done."""
        if self._process is None or self._process.poll() is not None:
            given = ["settings.epochs=2", "pruner=none", "trials=1000"]
            given += [f"settings.shards={self._shards}", f"out={self.out}"]
            self._process = started("tests.support.study_worker", *given, **{small_training.EPOCH_S: "1"})
        process = self._process
        wait_for(lambda: process.poll() is not None or (begun(self.out) and complete(self.out)), LIMIT_S)
        assert process.poll() is None, process.communicate()[1]

    def stop(self) -> None:
        """Leave the study alone."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.communicate(timeout=LIMIT_S)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker that has begun with its study."""
    worker = Worker(tmp_path_factory.mktemp("live"))
    try:
        worker.work()
        yield worker
    finally:
        worker.stop()


@pytest.fixture(scope="module")
def out(worker: Worker) -> Path:
    """The folder of the study that is worked on."""
    return worker.out


def begun(out: Path) -> Study | None:
    with contextlib.suppress(ConfigError):
        return Study.open(out)
    return None


def complete(out: Path) -> list[FrozenTrial]:
    return [trial for trial in Study.open(out).trials if trial.state == TrialState.COMPLETE]


@pytest.fixture(scope="module")
def address(out: Path) -> Iterator[str]:
    """What the dashboard of the study has printed, as in a job that came from another node."""
    with ended(dashboard(out, SLURM_JOB_ID="7", SLURM_SUBMIT_HOST="login")) as process:
        said = line_of(process)
        found = re.fullmatch(rf"dashboard of {out}: (http://127\.0\.0\.1:(\d+)/\?token=(\S+))\n", said)
        assert found, said + process.communicate()[1]
        assert f" -L {found[2]}:127.0.0.1:{found[2]} " in line_of(process)
        yield found[1]
    assert process.returncode == INTERRUPTED


def port_of(address: str) -> int:
    found = re.search(r":(\d+)/", address)
    assert found is not None, address
    return int(found[1])


def ask(
    address: str, path: str = "/", method: str = "GET", **headers: str
) -> tuple[int, http.client.HTTPMessage, str]:
    """The status, headers and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(address), timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


# ------------------------------------------------------------------ in the browser


@pytest.fixture
def opened(browser: Any, address: str) -> Any:
    """The browser with the dashboard of the study in it."""
    browser.get(address)
    return browser


POINTS = "document.querySelectorAll('#plot-history .scatterlayer .points path').length"


@pytest.mark.slow
def test_the_history_is_shown_and_goes_on_as_trials_end(opened: Any, worker: Worker) -> None:
    worker.work()
    points = wait(opened, f"return {POINTS}", LIMIT_S)
    assert "token" not in opened.current_url
    opened.execute_script("window.before = true")
    wait(opened, f"return {POINTS} > {points}", LIMIT_S)
    assert opened.execute_script("return window.before"), "the page is the same"
    curves = "#graph-intermediate-values .scatterlayer .js-line"
    assert opened.execute_script(f"return document.querySelectorAll('{curves}').length") >= 1


@pytest.mark.slow
def test_trials_are_listed_each_with_its_attributes_and_pictures(opened: Any, out: Path) -> None:
    link = "document.querySelector('a[href$=\"/studies/0/trials\"]')"
    wait(opened, f"return {link} && ({link}.click() || true)", LIMIT_S)
    shown = wait(
        opened, "const t = document.body.innerText; return /^Artifacts/m.test(t) && t", LIMIT_S
    ).splitlines()
    assert {"Trial 0", "Trial 1", "Trial 0 (trial_id=0)", "User Attributes"} <= set(shown)
    trial = complete(out)[0]
    assert trial.number == 0
    assert trial.user_attrs["run"] == "trials/0000"
    assert trial.user_attrs.get("git") == git_version()
    for name, value in trial.user_attrs.items():
        assert f"{name} {value}" in shown
    for epoch, value in trial.intermediate_values.items():
        assert any(re.match(rf"{epoch} {str(value)[:10]}", line) for line in shown)
    picture = "document.querySelector('img[src*=\"/artifacts/0/0/\"]')"
    wait(opened, f"return {picture} && {picture}.naturalWidth > 100", LIMIT_S)
    assert "curves.png" in shown


@pytest.mark.slow
def test_no_error_and_no_request_elsewhere(opened: Any, address: str) -> None:
    assert errors(opened) == []
    asked = requests(opened, "http://127.0.0.1")
    here = address.partition("?")[0]
    assert any(url.startswith(f"{here}api/studies/0") for url in asked)
    assert [url for url in asked if not url.startswith((here, "data:", "blob:"))] == []


# ------------------------------------------------------------------ who is let in


@pytest.mark.slow
def test_nobody_is_let_in_without_the_token(address: str) -> None:
    token = address.partition("token=")[2]
    name = f"hpcvox-dashboard-{port_of(address)}"
    wrong = "x" * len(token)
    for path in (
        "/",
        "/dashboard",
        "/api/studies",
        "/static/bundle.js",
        f"/?token={wrong}",
        "/?token=",
        "/?token=ä",
    ):
        status, headers, said = ask(address, path.replace("ä", "%C3%A4"))
        assert (status, headers["Set-Cookie"]) == (403, None)
        assert "hpcvox study dashboard" in said
    assert ask(address, "/api/studies", Cookie=f"{name}={wrong}")[0] == 403
    status, headers, _ = ask(address, f"/?token={token}")
    assert status == 200
    assert headers["Set-Cookie"] == f"{name}={token}; HttpOnly; SameSite=Strict; Path=/"
    status, headers, said = ask(address, "/api/studies", Cookie=f"other=1; {name}={token}")
    assert (status, len(json.loads(said)["study_summaries"])) == (200, 1)
    assert headers["Content-Security-Policy"].startswith("default-src 'self' "), (
        "a study is a stranger's, too"
    )
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    status, headers, _ = ask(address, "/artifacts/0/0/0", Cookie=f"{name}={token}")
    assert (status, headers["Content-Security-Policy"]) == (404, "default-src 'none'; sandbox")


@pytest.mark.slow
def test_it_changes_nothing(address: str, out: Path, worker: Worker) -> None:
    worker.stop()
    with (out / JOURNAL).open("ab") as file:
        file.write(b'{"op_code":4,"worker_id":"kill')  # as a kill leaves it
    before = (out / JOURNAL).read_bytes()
    cookie = f"hpcvox-dashboard-{port_of(address)}={address.partition('token=')[2]}"
    for method, path in (
        ("DELETE", "/api/studies/0"),
        ("POST", "/api/trials/0/tell"),
        ("PUT", "/api/studies/0/note"),
    ):
        status, _, said = ask(address, path, method, Cookie=cookie)
        assert (status, "changes nothing" in json.loads(said)["reason"]) == (405, True)
    trials = len(Study.open(out).optuna.trials)

    def shown() -> int:
        return len(json.loads(ask(address, "/api/studies/0?after=0", Cookie=cookie)[2])["trials"])

    wait_for(lambda: shown() == trials, LIMIT_S)  # it looks at the journal every 10 seconds
    assert (out / JOURNAL).read_bytes() == before
    assert list((out / ARTIFACTS).iterdir())


@pytest.mark.slow
def test_it_listens_on_the_loopback_alone(address: str) -> None:
    tables = [Path(f"/proc/net/{name}") for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()]
    ports = [local for _, local, _, state, *_ in lines if state == "0A"]
    assert [local for local in ports if local.endswith(f":{port_of(address):04X}")] == [
        f"0100007F:{port_of(address):04X}"
    ]


@pytest.mark.slow
def test_it_ends_at_a_signal_and_says_so(out: Path) -> None:
    signals = (signal.SIGINT, signal.SIGUSR1)
    for process, number in [(dashboard(out), number) for number in signals]:
        assert line_of(process).startswith(f"dashboard of {out}: http://127.0.0.1:")
        process.send_signal(number)
        said, complained = process.communicate(timeout=60)
        assert (process.returncode, complained) == (INTERRUPTED, "")
        assert said.splitlines()[-1] == f"dashboard of {out} ended: run the same command again to see more"


@pytest.mark.slow
def test_what_cannot_be_served_is_said(
    address: str, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = port_of(address)
    for arguments, said in (
        ([tmp_path], f"{tmp_path} holds no study"),
        ([out, f"port={port}"], f"port={port}: cannot listen there (Address already in use)"),
        ([out, "port=70000"], "port: Input should be less than or equal to 65535 (given: 70000)"),
        ([out, "prot=8080"], "unknown key prot: did you mean port?"),
        ([out, "8080"], "'8080' is no config (a file NAME.yaml) and no setting: write key=value"),
        ([], "0 arguments after `study dashboard`; usage: hpcvox study dashboard STUDY [key=value ...]"),
    ):
        assert cli.main(["study", "dashboard", *map(str, arguments)]) == 2
        assert said in capsys.readouterr().err


def test_a_study_that_is_only_being_begun_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.yaml").touch()
    (tmp_path / JOURNAL).touch()
    assert cli.main(["study", "dashboard", str(tmp_path)]) == 2
    assert "holds no study yet" in capsys.readouterr().err


def test_it_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["study", "dashboard", "--help"]) == 0
    assert re.search(r"^  port=0  +port on the loopback", capsys.readouterr().out, re.MULTILINE)


def test_the_way_in_goes_through_the_node() -> None:
    user, job = {"USER": "me"}, {"SLURM_JOB_ID": "7"}
    through = "-L 8080:127.0.0.1:8080 me@n7"
    assert ssh_line(8080, user, "n7") is None
    assert ssh_line(8080, {**user, "SSH_CONNECTION": "a 1 b 22"}, "n7") == f"ssh -N {through}"
    assert ssh_line(8080, {**user, **job, "SLURM_SUBMIT_HOST": "n7"}, "n7") == f"ssh -N {through}"
    jump = ssh_line(8080, {**user, **job, "SLURM_SUBMIT_HOST": "login", "SSH_CONNECTION": "a 1 b 22"}, "n7")
    assert jump == f"ssh -N -J me@login {through}"


# ------------------------------------------------------------------ what trials carry


@pytest.mark.slow
def test_every_picture_that_the_journal_names_is_a_whole_file(out: Path) -> None:
    study = Study.open(out)
    trials = complete(out)
    for trial in trials:
        (kept,) = optuna.artifacts.get_all_artifact_meta(trial, storage=study.storage)
        assert (kept.filename, kept.mimetype) == ("curves.png", "image/png")
        assert imread(out / ARTIFACTS / kept.artifact_id, "png").shape[:2] == (350, 500)


def test_pictures_are_drawn_of_curves_and_of_an_autoencoder_s_example(tmp_path: Path) -> None:
    study = optuna.create_study()
    run = tmp_path / "run"
    run.mkdir()
    lines = [
        {"epoch": e, "train/loss": 1 / e, "held_out/loss": 2 / e, "held_out/mask_f1": e / 4}
        for e in (1, 2, 3)
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    density = np.random.default_rng(0).random((3, 8, 8, 8)).astype(np.float16)
    np.savez_compressed(
        run / "examples.npz",
        density_true=density,
        density_reconstructed=density / 2,
        ids=np.array([b"MgO"] * 3),
    )
    trial = study.ask()
    pictures.keep(trial, tmp_path, run, ["held_out/loss", "held_out/mask_f1"])
    kept = optuna.artifacts.get_all_artifact_meta(trial)
    assert [one.filename for one in kept] == ["curves.png", "example.png"]
    for one in kept:
        assert imread(tmp_path / ARTIFACTS / one.artifact_id, "png").std() > 0.1
    both = pictures.curves(lines, ["held_out/loss", "held_out/mask_f1"]).axes
    assert [axes.get_ylabel() for axes in both] == ["loss", "mask_f1"]
    assert [[tuple(np.asarray(line.get_ydata())) for line in axes.lines] for axes in both] == [
        [(1, 1 / 2, 1 / 3), (2, 1, 2 / 3)],
        [(), (0.25, 0.5, 0.75)],
    ]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 and no more", None])
def test_an_example_that_cannot_be_read_is_none(tmp_path: Path, damage: bytes | None) -> None:
    if damage is not None:
        (tmp_path / "examples.npz").write_bytes(damage)
    assert pictures.example(tmp_path) is None


def test_the_version_is_that_of_the_checkout_and_of_nothing_around_it(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=me", "-c", "user.email=me@here"]
        done = subprocess.run(
            ["git", "-C", tmp_path, *who, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert git_version(tmp_path) is None
    git("init", "--quiet")
    (tmp_path / "code").write_text("1")
    git("add", "code")
    git("commit", "--quiet", "--message=one")
    commit = git("rev-parse", "HEAD")[:12]
    assert git_version(tmp_path) == commit
    (tmp_path / "code").write_text("2")
    assert git_version(tmp_path) == f"{commit}-dirty"
    (tmp_path / "installed").mkdir()
    assert git_version(tmp_path / "installed") is None
    (tmp_path / "installed/.git").write_text("nonsense")
    assert git_version(tmp_path / "installed") is None
