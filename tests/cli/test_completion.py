"""The tab key completes verbs, keys and values, as each shell asks for them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox.cli.completion import SCRIPTS, words


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["feat"], ["featurize"]),
        (["study", "be"], ["best"]),
        (["help", "scr"], ["screen"]),
        (["train", "cg"], ["cgcnn"]),
        (["completion", ""], ["bash", "fish", "zsh"]),
        (["featurize", "max"], ["max_sites="]),
        (["featurize", "max_sites=3", "max"], []),
        (["featurize", "grid="], ["grid=padded", "grid=periodic"]),
        (["featurize", "descriptor=graph", "neigh"], ["neighbours="]),
        (["featurize", "descriptor=d"], ["descriptor=density", "descriptor=diffraction"]),
        (["featurize", "strict=t"], ["strict=true"]),
        (["train-vae", "model.laten"], ["model.latent="]),
        (["check", "judge", "symp"], ["symprec="]),
        (["study", "dashboard", "po"], ["port="]),
        (["pipeline", "train_vae.ranks"], ["train_vae.ranks="]),
        (["featurize", "source="], []),
        (["nothing", "x"], []),
    ],
)
def test_what_a_word_can_become(typed: list[str], found: list[str]) -> None:
    assert words(typed) == found


def test_bash_completes_by_the_script() -> None:
    """In a real bash: what readline would show for words that end where the cursor is."""
    asks = """
        set -e
        eval "$(hpcvox completion bash)"
        for line in "hpcvox featu" "hpcvox featurize gri" "hpcvox featurize grid=pe"; do
            COMP_LINE=$line COMP_POINT=${#line} COMP_WORDBREAKS=$' \\t\\n=:'
            compopt() { :; }
            _hpcvox
            echo "${COMPREPLY[@]}"
        done
    """
    place = Path(sys.executable).parent
    command = f'hpcvox() {{ {sys.executable} -m hpcvox "$@"; }}\n{asks}'
    environment = {**os.environ, "PATH": f"{place}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["featurize", "grid=", "periodic"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_script_is_of_the_shells_language(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n"], input=SCRIPTS[shell], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
