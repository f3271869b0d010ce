"""The tab key completes verbs, keys and values, as each shell asks for them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox.cli.completion import SCRIPTS, words
from tests.support.voxel_shards import make_shards


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
        (["reproduce", "fig"], ["fig2", "fig3", "fig4", "fig6", "figs1"]),
        (["reproduce", "kajita", "size="], ["size=full", "size=small"]),
        (["pipeline", "train_vae.ranks"], ["train_vae.ranks="]),
        (["featurize", "source="], []),
        (["nothing", "x"], []),
    ],
)
def test_what_a_word_can_become(typed: list[str], found: list[str]) -> None:
    assert words(typed) == found


def test_columns_are_those_of_the_table_in_the_line(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("key,structure,gap,gamma\n1,,2,3\n")
    assert words(["featurize", f"source={table}", "id_column=k"]) == ["id_column=key"]
    assert words(["featurize", str(table), "targets=[gap,ga"]) == ["targets=[gap,gamma", "targets=[gap,gap"]
    assert words(["pipeline", f"source={table}", "train_vae.condition=ga"]) == [
        "train_vae.condition=gamma",
        "train_vae.condition=gap",
    ]
    assert words(["featurize", f"source={tmp_path}/absent.csv", "id_column=k"]) == []
    table.write_bytes(b"\xff\xfe")
    assert words(["featurize", f"source={table}", "id_column=k"]) == []


def test_targets_are_those_of_the_shard_set_in_the_line(tmp_path: Path) -> None:
    make_shards(tmp_path / "shards")
    assert words(["train-vae", f"shards={tmp_path}/shards", "condition=en"]) == ["condition=energy"]
    assert words(["train-vae", f"shards={tmp_path}/shards", "condition="]) == [
        "condition=energy",
        "condition=null",
    ]
    assert words(["train-cgcnn", f"shards={tmp_path}/shards", "target="]) == ["target=energy"]
    assert words(["train-cgcnn", f"shards={tmp_path}", "target="]) == []


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
