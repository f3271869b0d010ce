"""The command line as a user meets it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox import cli
from tests.support.paths import ROOT


def hpcvox(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hpcvox", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_help_lists_every_verb_and_loads_no_engine() -> None:
    probe = (
        "import sys; from hpcvox.cli import main; main(['--help']);"
        "heavy = {'torch', 'ray', 'pymatgen', 'h5py', 'plotly', 'numpy'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(verb in done.stdout for verb in cli.VERBS)


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_explains_its_settings(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([verb, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: hpcvox {verb}")
    assert ("shards=" if verb == "statistics" else "out=") in said  # it writes into the set


def test_every_verb_calls_run_in_the_job_of_its_room() -> None:
    doors = {verb: known.function for verb, known in cli.VERBS.items()}
    assert {verb: door for verb, door in doors.items() if not door.endswith(".job:run")} == {}


@pytest.mark.slow
@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_is_a_script_of_jobs_and_has_a_config(verb: str) -> None:
    name = verb.replace("-", "_")
    done = subprocess.run(
        [sys.executable, ROOT / "jobs" / f"{name}.py", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: hpcvox {verb}")
    # a config a descriptor, a provider, and a paper
    several = {"featurize": "density", "fetch": "optimade", "reproduce": "kajita"}
    config = f"{name}_{several[verb]}" if verb in several else name
    assert (ROOT / "configs" / f"{config}.yaml").exists()


def test_an_unknown_verb_is_refused_with_those_there_are() -> None:
    done = hpcvox("featurise")
    assert done.returncode == 2
    assert "featurize" in done.stderr


def test_an_error_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    done = hpcvox("train-unet", f"shards={tmp_path}", f"out={tmp_path / 'out'}")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("hpcvox train-unet: error: ")
    assert "hpcvox featurize" in done.stderr


def test_shards_explains_itself() -> None:
    done = hpcvox("shards")
    assert done.returncode == 2
    assert "hpcvox shards verify FOLDER" in done.stdout


@pytest.mark.parametrize("verb", cli.SHARD_VERBS)
def test_every_verb_of_shards_explains_itself_and_refuses_wrong_arguments(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = cli.SHARD_VERBS[verb]
    assert isinstance(asked, cli.FolderVerb)
    wanted = asked.arguments
    assert cli.main(["shards", verb, "--help"]) == 0
    usage = capsys.readouterr().out.splitlines()[0]
    assert usage.startswith(f"usage: hpcvox shards {verb} {wanted[0]}")
    too_many = [] if "..." in wanted else [["x"] * (len(wanted) + 1)]
    for arguments in ([], ["--fast", *wanted[1:]], *too_many):
        assert cli.main(["shards", verb, *arguments]) == 2
        assert usage in capsys.readouterr().err


def test_an_unknown_verb_of_shards_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["shards", "mend", "x"]) == 2
    said = capsys.readouterr()
    assert all(verb in said.err for verb in cli.SHARD_VERBS)
    assert "hpcvox shards export SET OUT" in said.out


def test_version() -> None:
    from hpcvox import __version__

    assert hpcvox("--version").stdout == f"hpcvox {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["train-unet", "--help"], ["shards", "--help"]])
def test_a_reader_that_has_read_enough_ends_it_without_a_word(arguments: list[str]) -> None:
    command = [sys.executable, "-c", "from hpcvox.cli import console; console()", *arguments]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")
