"""Every command of the README runs, as it is written, on small data.

Settings that make a run small are appended to the command.  The ``sbatch`` lines run for real in
``slurm/test_pipeline.py``, ``ray job submit`` in ``jobs/test_ray_job.py``, ``ray up`` and ``ray submit`` in
``jobs/test_ray_submit.py``; here their scripts and settings are checked.
"""

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ase.build import bulk
from ase.io import write

from hpcvox import cli, config
from hpcvox.actors.cluster import cluster
from tests.support import materials_project_server
from tests.support.optimade_server import good, serving
from tests.support.paths import ROOT
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE

COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    for line in block.strip().splitlines()
]
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
        table.writerow(["material_id", "cif", "my_energy", "my_modulus", "my_group"])
        cations = ["Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr"]
        for i, (cation, anion) in enumerate((c, a) for c in cations for a in ("O", "F", "Cl", "Br", "I")):
            cif = place / "one.cif"
            lattice, group, a = (("rocksalt", 225, 4.4), ("cesiumchloride", 221, 2.9))[i % 2]
            write(cif, bulk(cation + anion, lattice, a=a + 0.04 * i, cubic=True))
            table.writerow([f"m-{i}", cif.read_text(), -3.0 + 0.05 * i, 20.0 + i, group])
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


def test_the_readme_has_commands_of_every_kind() -> None:
    kinds = {command.split()[0] for command in COMMANDS}
    assert kinds == {"make", "hpcvox", "sbatch", "slurm/pipeline.sh", "slurm/featurize_study.sh", "ray"}


@pytest.mark.slow
def test_hpcvox_commands_run_in_their_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        one_set = [
            "space.shards.choices=[runs/spots_0.8]",
            "featurize.sets={runs/spots_0.8: {resolution: 0.8}}",
        ]
        here_mp = [f"url={url_mp}", "pause_s=0"]
        for command in COMMANDS:
            program, *arguments = shlex.split(command)
            if program == "hpcvox":
                fetch = here_mp if "configs/fetch_materials_project.yaml" in arguments else here
                looks = len(arguments) > 1 and arguments[1] in cli.GROUPS.get(arguments[0], {})
                small = [] if looks else {**SMALL, "fetch": fetch}.get(arguments[0], [])
                if arguments[0] == "featurize" and "configs" not in command:
                    small = [*small, "voxels=16"]
                if "configs/study_resolution.yaml" in arguments:
                    small = [*small, *one_set]
                assert cli.main([*arguments, *small]) == 0, command
    assert (folder / "runs" / "report" / "report.html").stat().st_size > 100_000
    assert (folder / "runs" / "mine" / "report" / "report.html").exists()


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
    _, script, *arguments = shlex.split(command)
    assert (ROOT / script).stat().st_mode & 0o100
    check(Path(script).stem, arguments)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("slurm/")])
def test_the_scripts_that_submit_jobs_have_valid_settings(command: str) -> None:
    script, *arguments = shlex.split(command)
    assert (ROOT / script).stat().st_mode & 0o100
    check({"featurize_study": "study", "pipeline": "pipeline"}[Path(script).stem], arguments)


def check(step: str, arguments: list[str]) -> None:
    import importlib

    module, name = cli.VERBS[step.replace("_", "-")].settings.split(":")
    path = ROOT / arguments[0] if arguments and "=" not in arguments[0] else None
    overrides = arguments[1:] if path else arguments
    config.load(getattr(importlib.import_module(module), name), path, overrides)
