"""The whole pipeline, killed in stages of every kind and run again: it ends with what an undisturbed one makes."""

import os
import signal
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from hpcvox import config
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.pipeline.job import run_stage
from hpcvox.pipeline.placing import placed, stages_of
from hpcvox.pipeline.plan import plan
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.pipeline.stages import STAGES
from hpcvox.training.folder import carded
from tests.support import verb_process
from tests.support.crystal_sources import write_table
from tests.support.paths import ROOT
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE

CONFIG = ROOT / "configs" / "pipeline.yaml"
SMALL = [
    "database.size=100",
    "database.classes=[AB, ABX3]",
    "database.energy=ewald",
    # an actor costs seconds of imports; two are those of featurize
    *(f"{stage}.actors=1" for stage in ("database", "featurize_graph", "screen", "relax")),
    "featurize.voxels=16",
    "featurize.entries_per_shard=16",
    # so that some candidates are plausible, and are screened and relaxed
    *(f"train_vae.{s}" for s in ("epochs=12", "learning_rate=0.002", "threads=1", "ranks=1", "bins=4")),
    *(f"train_vae.{s}" for s in ("checkpoint_steps=16", SMALL_VAE)),
    "evaluate.limit=4",
    "generate.per_condition=5",
    "generate.placement.mask_threshold=0.1",
    "train_cgcnn.epochs=3",
    "train_cgcnn.threads=1",
    "relax.stages=[{calculator: lj, cell: fixed, steps: 3, fmax: 1000}]",
    "report.figures=false",
]


NETWORKS_OF_THE_PAPER = {"train_unet", "finetune_unet"}

KILLED_ELSEWHERE = {
    "featurize_graph": "featurize is the same job",
    "train_cgcnn": "networks/test_cgcnn.py",
    "judge": "test_crystal_forms.py",
    "screen": "screening/test_job.py",
}
"""Stages whose kind is killed here in another one, and where they are killed themselves."""


def start(out: Path, *more: str) -> subprocess.Popen[str]:
    return verb_process.start("pipeline", CONFIG, f"out={out}", *SMALL, *more)


def finish(process: subprocess.Popen[str]) -> str:
    return verb_process.finish(process, 600)


@pytest.mark.slow
@pytest.mark.timeout(2700)  # nine runs of eleven stages
def test_killed_in_stages_of_every_kind_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    whole = finish(start(tmp_path / "whole"))
    *_, last = lines = whole.strip().splitlines()
    assert last == f"open {tmp_path}/whole/report/report.html"
    stages = [stage for stage in STAGES if stage.name not in NETWORKS_OF_THE_PAPER]
    done = next(i for i, line in enumerate(lines) if line.startswith("pipeline done"))
    recap, rest = lines[done + 1 : done + len(stages)], lines[done + len(stages) :]
    assert [line.split()[0] for line in recap] == [stage.verb for stage in stages[:-1]]
    assert rest[0].startswith("are they any good? ")
    assert any(line.startswith("next: ") for line in rest)
    out = tmp_path / "killed"
    struck = [stage for stage in stages if stage.name not in KILLED_ELSEWHERE]
    for stage, number in zip(struck, cycle([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]), strict=False):
        process = start(out)
        assert process.stdout is not None
        header = f"] {stage.name.replace('_', '-')}\n"
        for line in process.stdout:
            if line.endswith(header):
                break
        time.sleep(1.5)  # somewhere within the stage; where does not matter
        os.kill(process.pid, number)
        process.communicate(timeout=120)
    said = finish(start(out))
    for verb in ("train-vae", "train-cgcnn"):
        assert f"] {verb}\nnothing to do: trained" in said
    for name in (
        "database/crystals.csv",
        "vae/prior.safetensors",
        "generated/candidates.csv",
        "judged/judged.csv",
        "screened/screened.csv",
        "relaxed/relaxed.csv",
    ):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    for network in ("vae", "cgcnn"):  # their cards name the folder of the shards
        one, other = (
            (place / network / "model.safetensors").read_bytes() for place in (out, tmp_path / "whole")
        )
        assert one[carded.start(one) :] == other[carded.start(other) :], network
    for shard in sorted((tmp_path / "whole").glob("*/shard-*.h5")):
        assert (out / shard.relative_to(tmp_path / "whole")).read_bytes() == shard.read_bytes()
    assert len(list((out / "relaxed" / "cifs").iterdir())) > 0
    assert (out / "report" / "report.html").exists()


@pytest.mark.slow
def test_with_the_networks_of_the_paper_the_fine_tuned_one_generates_and_is_reported(tmp_path: Path) -> None:
    unet = [f"train_unet.{s}" for s in ("epochs=1", "threads=1", SMALL_UNET)]
    finish(
        start(tmp_path, *unet, "finetune_unet.epochs=1", "train_vae.epochs=1", "screen=null", "relax=null")
    )
    assert f"unet: {tmp_path}/finetuned_unet" in (tmp_path / "generated/config.yaml").read_text()
    assert "Fine-tuning the UNet" in (tmp_path / "report/report.html").read_text()


@pytest.mark.slow
def test_a_pipeline_until_a_step_ends_with_what_that_made(tmp_path: Path) -> None:
    *_, done, last = finish(start(tmp_path, "until=database")).strip().splitlines()
    assert done.startswith("pipeline done in ")
    assert last.startswith("  database ")


def settings(*overrides: str) -> PipelineSettings:
    return config.load(PipelineSettings, None, ["out=o", *overrides])


def names(given: PipelineSettings) -> list[str]:
    return [stage.name for stage in stages_of(given)]


def stage(given: PipelineSettings, name: str) -> Any:
    """The settings of one stage, each of a class of its own."""
    return placed(given, next(one for one in STAGES if one.name == name))


def test_what_is_left_out_of_the_stages() -> None:
    everything = [one.name for one in STAGES]
    given = settings("relax.stages=[emt]", "train_unet={}")
    assert names(given) == everything
    assert stage(given, "relax").source == Path("o/screened/cifs")
    assert names(settings()) == [n for n in everything if n not in {"relax", *NETWORKS_OF_THE_PAPER}]
    given = settings("screen=null", "source=mine.csv", "relax.stages=[emt]")
    others = {"database", "featurize_graph", "train_cgcnn", "screen"}
    assert set(everything) - set(names(given)) == others | NETWORKS_OF_THE_PAPER
    assert stage(given, "relax").source == Path("o/judged/cifs")


def test_without_a_unet_the_vae_names_the_elements() -> None:
    given = settings("source=mine.csv")
    for name in ("train_vae", "evaluate", "generate", "report"):
        assert stage(given, name).unet is None
    assert stage(given, "report").finetuned_unet is None
    assert stage(given, "train_vae").model.naming > 0


def test_the_unet_goes_on_with_what_the_vae_decodes() -> None:
    mine = "source=mine.csv"
    given = settings(mine, "train_unet.epochs=40", "train_unet.batch_size=4", f"train_unet.{SMALL_UNET}")
    tuned = stage(given, "finetune_unet")
    assert given.train_unet is not None
    assert (tuned.epochs, tuned.batch_size, tuned.model) == (5, 4, given.train_unet.model)
    assert (tuned.initial, tuned.vae, tuned.out) == tuple(
        Path("o") / p for p in ("unet", "vae", "finetuned_unet")
    )
    for name in ("train_vae", "report"):
        assert stage(given, name).unet == Path("o/unet")
    for name in ("evaluate", "generate"):
        assert stage(given, name).unet == Path("o/finetuned_unet")
    given = settings(mine, "train_unet.batch_size=4", "finetune_unet.batch_size=2", "finetune_unet.epochs=3")
    assert stage(given, "finetune_unet").batch_size == 2
    assert stage(given, "finetune_unet").epochs == 3
    given = settings(mine, "train_unet={}", "finetune_unet=null")
    assert "finetune_unet" not in names(given)
    assert stage(given, "generate").unet == Path("o/unet")
    assert stage(given, "report").finetuned_unet is None


def test_a_plan_has_the_settings_of_every_stage(tmp_path: Path) -> None:
    """What jobs of their own are given is what the pipeline runs itself."""
    out = tmp_path / "out"
    given = settings(f"out={out}", "database.energy=ewald", "train_vae.epochs=3", "relax.stages=[emt]")
    lines = [line.split("\t") for line in plan(given).summary.splitlines()]
    assert [line[0] for line in lines] == names(given)
    for one, (_, verb, path, *_) in zip(stages_of(given), lines, strict=True):
        job = placed(given, one, planned=True)
        assert config.load(type(job), Path(path)) == job, verb
    assert config.load(TrainVAESettings, out / "plan/train_vae.yaml").condition == "ewald_energy"


def test_a_plan_until_a_step_has_what_that_needs_alone() -> None:
    assert names(settings("until=judge")) == ["database", "featurize", "train_vae", "generate", "judge"]
    assert names(settings("source=mine.csv", "until=evaluate")) == ["featurize", "train_vae", "evaluate"]


@pytest.mark.parametrize(("name", "past"), [("screen", "screened"), ("relax", "relaxed")])
def test_without_a_candidate_a_stage_is_left_out(tmp_path: Path, name: str, past: str) -> None:
    for folder in ("judged/cifs", "screened/cifs"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "screened/cifs/of_a_run_before.cif").touch()
    given = settings(f"out={tmp_path}", "relax.stages=[emt]")
    outcome = run_stage(given, next(one for one in STAGES if one.name == name))
    assert outcome == (f"left out: there is no candidate left in {tmp_path}/judged/cifs", 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["judged", "screened"]
    assert getattr(stage(given, "report"), past) is None
    assert stage(given, "report").hull is None
    (tmp_path / "judged/cifs/new.cif").touch()
    assert getattr(stage(given, "report"), past) == tmp_path / past


def test_crystals_in_one_file_are_said_once_or_for_a_step(tmp_path: Path) -> None:
    given = settings("crystals=zip", "judge.crystals=folder", "relax.stages=[emt]", f"out={tmp_path}")
    forms = {name: stage(given, name).crystals for name in ("generate", "judge", "screen", "relax")}
    assert forms == {"generate": "zip", "judge": "folder", "screen": "zip", "relax": "zip"}
    assert stage(settings(), "generate").crystals == "folder"
    (tmp_path / "judged").mkdir()
    with CifSet(tmp_path / "judged/cifs").replaced("zip") as add:
        add("new.cif", "")
    assert stage(given, "report").screened == tmp_path / "screened", "there is a candidate"


def test_classes_are_no_property_to_predict(tmp_path: Path) -> None:
    given = ["source=absent.csv", "train_vae.bins=0", "train_vae.condition=group"]
    assert "screen" not in names(settings(*given))
    assert stage(settings(*given, "relax={}"), "relax").source == Path("o/judged/cifs")
    table = write_table(tmp_path / "crystals.csv", 3)
    process = refused(f"source={table}", *given[1:], f"out={tmp_path / 'out'}")
    assert process.stdout.startswith("no property is predicted: group (train_vae.condition) numbers classes")
    assert "has no such target: valid: energy" in process.stderr
    named = settings(*given, "train_cgcnn.target=modulus")
    assert "screen" in names(named)
    assert stage(named, "train_cgcnn").target == "modulus"


def refused(*given: str) -> subprocess.CompletedProcess[str]:
    process = subprocess.run(
        [sys.executable, "-m", "hpcvox", "pipeline", *given],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 2, process.stdout + process.stderr
    return process


def test_crystals_of_ones_own_are_said_once() -> None:
    given = settings("source=mine.csv", "train_vae.condition=gap", "featurize.id_column=key", "relax={}")
    for name in ("featurize", "featurize_graph"):
        assert (stage(given, name).source, stage(given, name).id_column) == (Path("mine.csv"), "key")
    assert (stage(given, "train_vae").condition, stage(given, "train_cgcnn").target) == ("gap", "gap")
    assert stage(given, "screen").source == Path("o/judged/cifs")
    assert stage(given, "screen").models == [Path("o/cgcnn")]
    assert stage(given, "relax").known == Path("mine.csv")
    assert stage(given, "report").database is None
    by_hand = settings("source=mine.csv", "train_cgcnn.target=modulus", "relax.known=null")
    assert stage(by_hand, "train_cgcnn").target == "modulus"
    assert stage(by_hand, "relax").known is None


@pytest.mark.parametrize("given", ["featurize.out=/else", "relax.source=/else", "screen.models=[/else]"])
def test_folders_of_stages_cannot_be_set_apart(tmp_path: Path, given: str) -> None:
    key = given.partition("=")[0]
    said = refused(f"out={tmp_path}", given, "relax.max_sites=9").stderr
    assert f"{key}: a pipeline keeps its folders below out=" in said
