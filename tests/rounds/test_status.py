"""How far a campaign is, by its files alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox.errors import ConfigError
from hpcvox.rounds.folders import Round
from hpcvox.rounds.status import status
from hpcvox.rounds.summary import RoundDone
from tests.support.campaign_run import BY_ROUND, make_campaign


def test_each_round_and_the_lowest_are_said(tmp_path: Path) -> None:
    make_campaign(tmp_path / "c")
    *rounds, ends, count, lowest = status(tmp_path / "c").summary.splitlines()
    assert [line.split(":")[0] for line in rounds] == ["round 1", "round 2"]
    assert all("0.50 core hours; its training is done" in line for line in rounds)
    assert "12 finds" in rounds[0]
    assert ends == "it ends because rounds=2 are done"
    assert count.startswith(f"{sum(map(len, BY_ROUND.values()))} finds in ")
    assert lowest.startswith("lowest above the hull: KZnF3 Pm-3m -0.020 eV/atom (r1-d0-000000)")


def test_a_round_at_work_says_what_it_has_done(tmp_path: Path) -> None:
    make_campaign(tmp_path / "c", "rounds=4")
    assert "round-003: not begun" in status(tmp_path / "c").summary
    place = Round(tmp_path / "c", 3)
    (place.chosen / "cifs").mkdir(parents=True)
    (place.relaxed / "states").mkdir(parents=True)
    for number in range(5):
        (place.chosen / "cifs" / f"{number}.cif").touch()
    for name in ("a.json", "b.json", "c.0.jsonl"):
        (place.relaxed / "states" / name).touch()
    RoundDone(done=["generate", "judge", "choose"]).save(place.folder)
    assert "round-003: done: generate, judge, choose; 2 of 5 relaxed" in status(tmp_path / "c").summary


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder of hpcvox campaign"):
        status(tmp_path)


def test_nothing_that_takes_time_is_loaded_for_it(tmp_path: Path) -> None:
    make_campaign(tmp_path / "c")
    probe = (
        "import sys; from hpcvox.cli import main; main(sys.argv[1:]);"
        "sys.exit(len({'torch', 'ray', 'pymatgen', 'numba', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, "campaign", "status", tmp_path / "c"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
