"""Studies that tune featurization: shard sets are made where they are not there, by nobody twice, or refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from hpcvox import cli, config
from hpcvox.errors import HpcvoxError
from hpcvox.featurize.settings import FeaturizeSettings, GraphSettings
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.studies.reading import run_folder
from hpcvox.studies.settings import StudySettings
from hpcvox.studies.study import Study
from tests.support.graph_shards import crystals, make_graphs
from tests.support.tuned_sets import CRYSTALS, NEIGHBOURS, given, write_crystals


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with crystals whose ``affinity`` a training can learn."""
    folder = tmp_path_factory.mktemp("tuned")
    write_crystals(folder)
    return folder


def state(place: Path) -> dict[Path, int]:
    """Of every file of the sets, when it was written."""
    return {path: path.stat().st_mtime_ns for name in NEIGHBOURS for path in (place / name).iterdir()}


@pytest.mark.slow
def test_two_workers_make_what_lacks_train_on_it_and_make_nothing_again(place: Path) -> None:
    command = [sys.executable, "-m", "hpcvox", "study", *given(place)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    for worker in both:
        said = worker.communicate(timeout=300)[0]
        assert worker.returncode == 0, said
        assert "study complete: 2 complete" in said
    for name, neighbours in NEIGHBOURS.items():
        shards = ShardSet.open(place / name)
        assert (shards.n_samples, shards.manifest.settings["neighbours"]) == (CRYSTALS, neighbours)
    study = Study.open(place / "study")
    assert {trial.params["shards"] for trial in study.trials} == {str(place / name) for name in NEIGHBOURS}
    for trial in study.trials:
        trained = config.load(TrainCGCNNSettings, run_folder(study, trial) / "config.yaml")
        assert str(trained.shards) == trial.params["shards"]
    before = state(place)
    again = subprocess.run([*command, "trials=3"], capture_output=True, text=True, check=True)
    assert "3 complete" in again.stdout
    assert "featurize" not in again.stdout + again.stderr
    assert state(place) == before


def test_what_lacks_is_written_as_configs_of_featurize(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = f"{{{place / 'near'}: {{neighbours: 4}}, {tmp_path / 'new'}: {{neighbours: 5}}}}"
    space = f"space={{shards: {{choices: [{place / 'near'}, {tmp_path / 'new'}]}}}}"
    out = tmp_path / "study"
    assert cli.main(["study", "prepare", *given(place, f"featurize.sets={sets}", space, f"out={out}")]) == 0
    said = capsys.readouterr().out.splitlines()
    lacking = [
        number
        for number, name in ((1, place / "near"), (2, tmp_path / "new"))
        if not (name / "manifest.json").exists()
    ]
    assert said == [str(out / f"featurize/{number:02d}.yaml") for number in lacking]
    made = config.load(FeaturizeSettings, Path(said[-1]))
    assert isinstance(made, GraphSettings)
    assert (made.out, made.descriptor, made.neighbours, made.source) == (
        tmp_path / "new",
        "graph",
        5,
        place / "crystals.extxyz",
    )


ELSEWHERE = "space={shards: {choices: [near, far]}}"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["featurize.sets.fra={}"], "no trial reads fra: did you mean far.*the study's shards are near, far"),
        (["featurize.sets.far.neighbors=3"], "featurize.sets, far: unknown key neighbors: did you mean neighbours"),
        (["featurize.sets.far.neighbours=0"], r"featurize.sets, far: neighbours: .*\(given: 0\)"),
        (["featurize.settings.descriptor=soup"], "descriptor: there is no 'soup': did you mean soap. valid: density"),
        (
            ["featurize.settings.descriptor=soap", "featurize.sets={near: {}, far: {}}"],
            "near is of the descriptor soap, and train-cgcnn takes graph",
        ),
        (["featurize.sets.far.out=x"], r"out is the name of a set \(far\)"),
        (["featurize.settings.source=absent.csv"], "near cannot be made: there are no crystals at source=absent.csv"),
        (["featurize.base=absent.yaml"], "absent.yaml: cannot read the config"),
        (["featurize.sets={near: {}}"], "far does not exist.*or say in featurize.sets how the study is to make it"),
        (["featurize.set={}"], "unknown key featurize.set: did you mean sets"),
        (["space={shards: {low: 1, high: 2}}"], "shards"),
        (["featurize.sets.there={}", "space={shards: {choices: [there]}}"], "no trial reads near"),
        (
            ["featurize.sets={there: {neighbours: 5}}", "space={shards: {choices: [there]}}"],
            r"there holds other shards than it says: .*neighbours \(.* → 5\).*another folder, or remove that one",
        ),
        (["verb=train-unet", "settings={}", "featurize.sets={}", "space={shards: {choices: [there]}}"],
         "there is of the descriptor graph, and train-unet takes density"),
    ],
)  # fmt: skip
def test_a_study_of_sets_that_cannot_be_is_refused_before_anything_is_made(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make_graphs(Path("there"), crystals()[:4])
    asked = given(
        place, "featurize.sets={near: {neighbours: 4}, far: {neighbours: 10}}", ELSEWHERE, "out=study"
    )
    with pytest.raises(HpcvoxError, match=said):
        Study.begin(config.load(StudySettings, None, [*asked, *more]))
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
