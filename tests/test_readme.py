"""Every command of the README and of the pages of docs/ runs, as it is written, on small data, or is listed here.

Settings that make a run small are appended to the command.
"""

import csv
import os
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import write

from hpcvox import cli, config
from hpcvox.actors.cluster import cluster
from hpcvox.cli import typed
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS
from hpcvox.testing.sources import check_source
from tests.support import materials_project_server
from tests.support.optimade_server import good, serving
from tests.support.paths import ROOT
from tests.support.shown_commands import INCLUDED, commands, shown
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE

COMMANDS = shown()

RUN = ("hpcvox ", "python ")
"""What runs here begins so, unless it is listed below."""

ELSEWHERE = {
    "make demo": "test_make_demo_runs",
    "make setup": "CI begins with it, and tests/test_setup.py",
    "make test": "CI is it",
    "sbatch ": "tests/slurm; its script and settings are checked here",
    "slurm/": "tests/slurm; its settings are checked here",
    "ray job submit ": "tests/jobs/test_ray_job.py",
    "ray up ": "tests/jobs/test_ray_submit.py",
    "ray submit ": "tests/jobs/test_ray_submit.py",
    "./setup.sh --bundle ": "tests/test_setup.py",
    "hpcvox train-vae shards=runs/shards initial=perovskites ": "test_make_demo_runs begins with this network",
    "hpcvox judge generated=runs/generated reference=": "tests/generation/judging/test_benchmark.py",
    "python docs/tutorials/my_crystals.py": "test_the_table_of_the_tutorials_is_written",
    "export PATH=": "of a user's shell",
    "python3 -m venv ": "tests/test_package.py",
    ". hpcvox-env/": "the same",
    "pip ": "the same",
    "cp -r hpcvox-env/": "the same",
    "hpcvox-env/": "the same",
    "rattler-build ": "the same",
    "hpcvox hull relaxed=runs/at_rest references=": "tests/stability/test_job.py",
    "hpcvox hull relaxed=runs/by_both references=": "the same",
    "hpcvox campaign ": "tests/rounds/",
    "hpcvox relax source=my_known_crystals.csv ": "the relaxations of the same page run, of other crystals",
    "hpcvox reproduce ": "tests/reproduction/test_job.py",
    "git clone ": "of whoever sets up a site, as the lines below",
    "HPCVOX_VENV=": "tests/test_setup.py sets it",
    "HPCVOX_": "tests/slurm/test_sites.py has lines of configs/site.sh",
    "module ": "the same",
    "source ": "the same",
    "srun --nodes=1 apptainer ": "an image takes a registry",
    "tar ": "of whoever carries a checkout to a machine without a network",
}
"""The beginnings of commands that do not run here, and where they do, or why not at all."""

SMALL_TRAINING = {
    "train-unet": ["epochs=1", "threads=1", "batch_size=8", "species_voxels=128", SMALL_UNET],
    "train-vae": ["epochs=1", "threads=1", "batch_size=8", "bins=3", SMALL_VAE],
}
SMALL = {
    **SMALL_TRAINING,
    "featurize": ["actors=1"],
    "train-cgcnn": ["epochs=1", "threads=1"],
    "train-fingerprint": ["epochs=1", "threads=1", "batch_size=8", "model.filters=[[4, 4], [4, 4]]"],
    "train-r3dvs": ["epochs=1", "threads=1", "replicas=2"],
    "study": ["trials=2", "settings.epochs=1", "settings.threads=1"],
    "elements": ["size=70"],
    "evaluate-fingerprint": ["limit=7", "displacements=[0.1]", "vacancies=[0.1]", "substitutions=[]"],
    "explain": ["limit=2"],
    "evaluate": ["limit=3", "threads=1"],
    "dft": ["cutoff=300", "k_density=0.5", "actors=1"],
    "screen": ["actors=1"],
    "generate": ["per_condition=2", "threads=1"],
    "relax": ["source=my_cifs/", "stages=[chgnet]", "actors=1"],
    "pipeline": [
        "featurize.voxels=16",
        "generate.per_condition=1",
        *(f"train_vae.{s}" for s in SMALL_TRAINING["train-vae"]),
        *("train_cgcnn.epochs=1", "train_cgcnn.threads=1", "evaluate.limit=2"),
        # ranks and figures are those of the single commands
        *("train_vae.ranks=1", "report.figures=false"),
    ],
}
OTHERS = ("coulomb", "diffraction", "graph", "r3dvs", "soap")
"""Descriptors that have no voxels to be fewer."""

SMALL_DEMO = [
    *("database.size=100", "database.energy=ewald", "generate.per_condition=1", "report.figures=false"),
    *("train_vae.epochs=1", "train_vae.ranks=1", "train_vae.threads=1", "evaluate.limit=2", "screen=null"),
    "relax.stages=[{calculator: lj, cell: fixed, steps: 2, fmax: 1000}]",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with ``my_crystals.csv`` and ``my_cifs/``, as a user would have it."""
    place = tmp_path_factory.mktemp("readme")
    (place / "configs").symlink_to(ROOT / "configs")
    with (place / "my_crystals.csv").open("w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["material_id", "cif", "my_energy", "my_density", "my_group"])
        cations = ["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr"]
        for i, (cation, anion) in enumerate((c, a) for c in cations for a in ("O", "F", "Cl", "Br", "I")):
            cif = place / "one.cif"
            lattice, group, a = (("rocksalt", 225, 4.4), ("cesiumchloride", 221, 2.9))[i % 2]
            write(cif, bulk(cation + anion, lattice, a=a + 0.04 * i, cubic=True))
            table.writerow([f"m-{i}", cif.read_text(), -3.0 + 0.05 * i, 2.0 + 0.1 * i, group])
            cif.unlink()
    (place / "my_cifs").mkdir()
    write(place / "my_cifs" / "MgO.cif", bulk("MgO", "rocksalt", a=4.21))
    return place


def run(command: list[str], place: Path) -> str:
    # not the settings of a make that runs this test
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, timeout=800, check=False
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def elsewhere(command: str) -> str | None:
    """The beginning by which a command is listed as one that does not run here."""
    return next((begins for begins in ELSEWHERE if command.startswith(begins)), None)


def test_every_command_that_is_shown_runs_here_or_is_listed() -> None:
    unknown = [one for one in COMMANDS if elsewhere(one) is None and not one.startswith(RUN)]
    assert unknown == [], [(one, COMMANDS[one]) for one in unknown]
    assert {elsewhere(one) for one in COMMANDS} - {None} == set(ELSEWHERE), "what is listed is shown"
    assert len([one for one in COMMANDS if elsewhere(one) is None]) > 50


@pytest.mark.parametrize(
    "script", sorted((ROOT / "docs" / "tutorials").glob("*.sh")), ids=lambda path: path.stem
)
def test_a_tutorial_shows_the_whole_of_its_script(script: Path) -> None:
    page = script.with_suffix(".md").read_text("utf-8")
    parts = {part for name, part in INCLUDED.findall(page) if name == f"tutorials/{script.name}"}
    told = [one for one in commands(script.read_text("utf-8")) if one not in COMMANDS]
    assert parts
    assert told == [], "commands of the script that no page shows"


@pytest.mark.slow
def test_commands_run_in_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, by what the ``hpcvox`` script calls, in a process that has its libraries and a Ray."""
    monkeypatch.setenv("MP_API_KEY", materials_project_server.KEY)
    monkeypatch.chdir(folder)
    materials = materials_project_server.materials()[:24]
    with (
        serving(folder, good()) as url,
        materials_project_server.serving(folder, materials) as url_mp,
        cluster(2),
    ):
        # the databases are on this machine, the one of OPTIMADE with an energy of its own
        here = [f"url={url}", "properties=[_exmpl_energy]", "filter=_exmpl_energy<0", "pause_s=0"]
        here_mp = [f"url={url_mp}", "pause_s=0"]
        for command in COMMANDS:
            program, *arguments = shlex.split(command)
            if elsewhere(command) is not None:
                continue
            if program == "python":
                run_python(arguments, monkeypatch)
                continue
            fetch = here_mp if "configs/fetch_materials_project.yaml" in arguments else here
            status = cli.main([*arguments, *small(arguments, fetch)])
            # SOAP is of the surroundings of oxygen, which eight of the forty crystals have
            expected = COMPLETE_WITH_REJECTS if "configs/featurize_soap.yaml" in arguments else COMPLETE
            assert status == expected, f"{command} ended with {status}"
    assert (folder / "runs" / "report" / "report.html").stat().st_size > 100_000
    assert (folder / "runs" / "mine" / "report" / "report.html").exists()


def small(arguments: list[str], fetch: list[str]) -> list[str]:
    """Settings that make a command of ``hpcvox`` one of seconds."""
    looks = len(arguments) > 1 and arguments[1] in cli.GROUPS.get(arguments[0], {})
    if looks or "--defaults" in arguments:
        return []
    settings = {**SMALL, "fetch": fetch}.get(arguments[0], [])
    if arguments[0] == "featurize" and not {f"configs/featurize_{one}.yaml" for one in OTHERS} & set(
        arguments
    ):
        settings = [*settings, "voxels=16"]
    if "vae=perovskites" in arguments:
        settings = [*settings, "per_condition=1"]
    if "initial=perovskites" in arguments:
        settings = [*settings, "initial=null"]  # its shape is not the small one
    if "configs/study_resolution.yaml" in arguments:
        sets = "featurize.sets={runs/spots_0.8: {resolution: 0.8}}"
        settings = [*settings, "space.shards.choices=[runs/spots_0.8]", sets]
    return settings


def run_python(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run ``python SCRIPT …`` or ``python -c CODE …`` in this process."""
    first, *rest = arguments
    if first == "-c":
        monkeypatch.setattr(sys, "argv", ["-c", *rest[1:]])
        exec(compile(rest[0], "python -c", "exec"), {})  # noqa: S102 # our own page
    else:
        monkeypatch.setattr(sys, "argv", arguments)
        runpy.run_path(str(ROOT / first), run_name="__main__")


@pytest.mark.slow
def test_the_table_of_the_tutorials_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_python(["docs/tutorials/my_crystals.py", "9"], monkeypatch)
    entries = check_source(tmp_path / "my_crystals.csv")
    assert [entry.id for entry in entries] == [f"m-{i}" for i in range(9)]
    assert all(entry.targets.keys() == {"my_energy", "my_density"} for entry in entries)
    assert all(1 < entry.targets["my_density"] < 15 for entry in entries)


@pytest.mark.slow
def test_make_demo_runs(tmp_path: Path) -> None:
    assert "make demo" in COMMANDS
    said = run(["make", "demo", f"DEMO=out={tmp_path} {shlex.join(SMALL_DEMO)}"], ROOT)
    assert said.strip().splitlines()[-1] == f"open {tmp_path}/report/report.html"
    assert (tmp_path / "report" / "report.html").exists()


def test_make_test_is_what_ci_runs() -> None:
    assert "make test" in COMMANDS
    assert "make test" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("sbatch")])
def test_sbatch_commands_have_their_script_and_valid_settings(command: str) -> None:
    _, *arguments = shlex.split(command)
    script, *arguments = [argument for argument in arguments if not argument.startswith("--")]
    assert (ROOT / script).stat().st_mode & 0o100
    if script == "slurm/dashboard.sh":
        assert arguments == ["runs/study"]
        return
    check(Path(script).stem, arguments)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("slurm/")])
def test_the_scripts_that_submit_jobs_have_valid_settings(command: str) -> None:
    script, *arguments = shlex.split(command)
    assert (ROOT / script).stat().st_mode & 0o100
    if arguments == ["--status"]:
        return
    check({"featurize_study": "study", "pipeline": "pipeline"}[Path(script).stem], arguments)


def check(step: str, arguments: list[str]) -> None:
    import importlib

    module, name = cli.VERBS[step.replace("_", "-")].settings.split(":")
    kind = getattr(importlib.import_module(module), name)
    given = typed.read(arguments, kind)
    config.load(kind, None if given.config is None else ROOT / given.config, given.overrides)
