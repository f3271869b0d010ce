"""The habits of sites, on a real SLURM: where jobs are submitted from, what reaches them, how they are ended."""

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from hpcvox.shards.statistics_file import FILE
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import Lab
from tests.support.voxel_shards import make_shards

PROGRAMS = ROOT / "tests/support/slurm_lab/programs"
ON = str(ROOT / "tests/support/slurm_lab/on.sh")

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

MODULES = """\
# what `module load` of another Python leaves, a variable that nobody has set, and a command that fails
export PYTHONHOME=/nonexistent/python2 PYTHONPATH=/nonexistent/python2/lib
if [ "$LMOD_NEVER_SET" = yes ]; then module purge; fi
[ -d /nonexistent ]
"""


@pytest.fixture(scope="module")
def checkout(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout as a site has it: with settings of its own, and elsewhere than where jobs are submitted."""
    home = tmp_path_factory.mktemp("site") / "a checkout"
    for folder in ("slurm", "configs"):
        shutil.copytree(ROOT / folder, home / folder)
    for folder in ("hpcvox", "jobs"):
        (home / folder).symlink_to(ROOT / folder)
    lab_s = {k: v for k, v in lab.env.items() if k.startswith(("OMPI_", "HOROVOD_")) or k == "PATH"}
    exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in lab_s.items())
    site = home / "configs/site.sh"
    site.write_text(f"{exports}HPCVOX_VENV={sys.prefix}\n{MODULES}{site.read_text()}")
    return home


def without_home(lab: Lab) -> dict[str, str]:
    """The environment of a user who has set nothing of ours."""
    return {k: v for k, v in lab.env.items() if not k.startswith("HPCVOX_")}


def log_of(folder: Path, job: int) -> Path:
    (found,) = folder.glob(f"slurm-*{job}.out")
    return found


def said(folder: Path, job: int) -> str:
    return log_of(folder, job).read_text()


def test_a_job_submitted_from_anywhere_without_an_environment_under_foreign_modules(
    lab: Lab, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = make_shards(tmp_path / "shards", shards=2)
    monkeypatch.setattr(lab, "env", without_home(lab))
    script = str(checkout / "slurm/statistics.sh")
    # the settings of a script name files; one of them is a script, too
    settings = (f"shards={shards}", "stall_s=100")
    job = lab.sbatch("--export=NONE", script, *settings, cwd=tmp_path)
    assert lab.wait([job]) == ["COMPLETED"], said(tmp_path, job)
    assert (shards / FILE).exists()
    assert "configs/site.sh, line" in said(tmp_path, job), "the command that failed is told"
    assert "[ -d /nonexistent ]: ended with status 1" in said(tmp_path, job)
    assert said(tmp_path, job).splitlines()[-1].endswith("statistics: complete")


def test_a_command_that_the_site_s_settings_do_not_find_is_an_error(lab: Lab, tmp_path: Path) -> None:
    site = tmp_path / "site.sh"
    site.write_text("# two modules\nmodule load gcc openmpi\n")
    job = lab.sbatch(ON, "on_node", "never.py", "empty.yaml", cwd=tmp_path, HPCVOX_SITE=str(site))
    assert lab.wait([job]) == ["FAILED"]
    assert f"{site}, line 2: module load gcc openmpi: there is no such command here" in said(tmp_path, job)
    assert "/etc/profile.d" in said(tmp_path, job)


def test_a_warning_while_the_site_s_settings_load_puts_the_job_back(lab: Lab, tmp_path: Path) -> None:
    site = tmp_path / "site.sh"
    site.write_text(f"touch loading-$SLURM_RESTART_COUNT\nsleep 2\nsource {ROOT}/configs/site.sh\n")
    program = tmp_path / "ends.py"
    program.write_text("")
    job = lab.sbatch(
        "--nodes=1", ON, "on_node", str(program), "empty.yaml", cwd=tmp_path, HPCVOX_SITE=str(site)
    )
    log = tmp_path / f"slurm-{job}.out"
    lab.until((tmp_path / "loading-").exists, job, log)
    lab.signal(job, "USR1")
    assert lab.wait([job]) == ["COMPLETED"], said(tmp_path, job)
    assert lab.field(job, "Restarts") == "1"
    assert "the time limit is near" in said(tmp_path, job)
    assert "back into the queue" in said(tmp_path, job)
