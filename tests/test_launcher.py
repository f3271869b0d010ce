"""What launchers of ranks are told, and what they are not."""

import re
import subprocess

from hpcvox.launcher import NEEDED, without_secrets
from tests.support.paths import ROOT

GIVEN = {
    "PATH": "/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "SLURMD_NODENAME": "node1",
    "HPCVOX_HOME": "/x",
    "MP_API_KEY": "s",
    "HPCVOX_TOKEN": "s",
    "SLURM_DB_PASSWORD": "s",
    "MAIL": "s",
}
KEPT = {"PATH", "HOME", "LC_ALL", "SLURMD_NODENAME", "HPCVOX_HOME"}


def test_ranks_are_started_with_what_they_need_and_no_secret() -> None:
    assert set(without_secrets(GIVEN)) == KEPT


def test_jobs_have_the_same_list() -> None:
    script = (ROOT / "slurm/lib.sh").read_text()
    found = re.search(r"^NEEDED=\(([^)]*)\)", script, re.MULTILINE)
    function = re.search(r"^unset_secrets\(\) \{.*?^\}", script, re.MULTILINE | re.DOTALL)
    assert found is not None
    assert function is not None
    assert tuple(found[1].split()) == NEEDED
    told = f"{found[0]}\n{function[0]}\nunset_secrets\ncompgen -e"
    done = subprocess.run(["bash", "-c", told], env=GIVEN, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - {"PWD", "SHLVL", "_", "OLDPWD"} == KEPT
