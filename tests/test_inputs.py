"""What a job reads has to be there: said before a library is loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox import cli
from hpcvox.cli import VERBS
from hpcvox.errors import ConfigError
from hpcvox.files.durable import make_folder

MISSING = {
    "featurize": "source",
    "dft": "source",
    "relax": "source",
    "hull": "relaxed",
    "screen": "source",
    "statistics": "shards",
    "generate": "vae",
    "judge": "generated",
    "evaluate": "vae",
    "evaluate-fingerprint": "run",
    "explain": "source",
    "pipeline": "source",
    "campaign": "model",
    "reproduce": "densities",
    **{verb: "shards" for verb in VERBS if verb.startswith("train-")},
}


@pytest.mark.parametrize("verb", MISSING)
def test_what_is_missing_is_said_before_anything_is_loaded(verb: str, tmp_path: Path) -> None:
    probe = (
        f"import sys; from hpcvox.cli import main; status = main(['{verb}', '{MISSING[verb]}=nope']);"
        "heavy = {'torch', 'ray', 'pymatgen', 'matplotlib', 'mpi4py'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "nope" in done.stderr
    assert list(tmp_path.iterdir()) == []  # nor is a folder made


def test_the_message_names_what_lies_there_that_is_called_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_crystals.csv").touch()
    assert cli.main(["featurize", "my_crystal.csv"]) == 2
    said = capsys.readouterr().err
    assert "source=my_crystal.csv: there is no such file or folder: did you mean my_crystals.csv?" in said


@pytest.mark.parametrize("verb", sorted(verb for verb, key in MISSING.items() if key != "shards"))
def test_what_is_read_is_not_the_folder_that_is_written(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    paper = ["kajita"] if verb == "reproduce" else []
    assert cli.main([verb, *paper, f"{MISSING[verb]}=here", "out=./here"]) == 2
    said = capsys.readouterr().err
    assert f"{MISSING[verb]}=here is the same folder" in said
    assert "choose another out" in said
    assert list(Path("here").iterdir()) == []


def test_a_default_is_called_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["screen"]) == 2
    assert (
        "source=runs/generated/cifs: there is no such file or folder (the default)" in capsys.readouterr().err
    )


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(
        ConfigError, match=r"out=.*file: the folder cannot be made: there is a file of this name"
    ):
        make_folder(tmp_path / "file")
    with pytest.raises(ConfigError, match=r"out=.*below: the folder cannot be made: Not a directory"):
        make_folder(tmp_path / "file" / "below")
