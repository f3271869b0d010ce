"""A real SLURM of several nodes on one machine: munge, slurmctld and a slurmd for each node.

The nodes share the machine's network and files and differ by name and port, so any user can start it.
Every lab has its own folder, key and free ports: two labs do not meet.  The daemons run in the foreground as
children and end with the process that started them.

By hand:  ``python -m tests.support.slurm_lab.lab [FOLDER]``  prints the line to source in another shell, and runs
until Ctrl-C.
"""

import contextlib
import ctypes
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

DAEMONS = ("munged", "slurmctld", "slurmd")
_NODE = "SLURM_LAB_NODE"
CLIENTS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

PATIENCE = float(os.environ.get("SLURM_LAB_PATIENCE", "1"))
"""How many times as long as usual a job may take, on a machine that others use, too."""

CONFIGURATION = """\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job waits before it may start again: 5 s is the least allowed
AuthInfo=socket={root}/munge.socket,cred_expire=5
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
# One for each node: PMIx names its folders by job alone and two nodes of one host would meet in it.
TmpFS={root}/tmp/%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_interval=2,sched_min_interval=0
EnforcePartLimits=ALL
# A node says it has more than the machine: these are jobs' sizes, not a promise of speed.
SlurmdParameters=config_overrides
PropagateResourceLimits=NONE
ReturnToService=1
SlurmdTimeout=30
KillWait=5
MinJobAge=3600
GresTypes=gpu
NodeName=DEFAULT CPUs={cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory=16000
NodeName=DEFAULT Gres=gpu:2
{nodes}
# A job of "urgent" takes the nodes of those of "main", which are told to end, and have this long to do so.
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=30 State=UP PriorityTier=1 GraceTime=30
PartitionName=urgent Nodes=ALL MaxTime=INFINITE DefaultTime=30 State=UP PriorityTier=9
"""


def missing_tools() -> list[str]:
    """The commands that a lab needs and this machine has not."""
    return [tool for tool in (*DAEMONS, *CLIENTS) if shutil.which(tool, path=PATH) is None]


class Lab:
    """``with Lab(folder) as lab: job = lab.sbatch("slurm/featurize.sh"); lab.wait([job])``."""

    def __init__(self, root: Path, nodes: int = 2, cpus: int = 2) -> None:
        self.root, self.nodes, self.cpus = root.resolve(), nodes, cpus
        self._children: list[subprocess.Popen[bytes]] = []
        self._slurmd: dict[int, subprocess.Popen[bytes]] = {}
        self.env = self._environment()

    # ------------------------------------------------------------------ up and down

    def __enter__(self) -> Self:
        if missing := missing_tools():
            raise RuntimeError(
                f"a SLURM lab needs {', '.join(missing)}: apt-get install munge slurmctld slurmd"
            )
        for folder in (
            "state",
            "log",
            *(f"{kind}/node{k}" for kind in ("spool", "tmp") for k in self._ids()),
        ):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o755)
        self._configure()
        try:
            self._start_munge()
            self._start("slurmctld", "-D", "-f", str(self.configuration))
            for k in self._ids():
                self.start_node(k)
            self._await_nodes()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Cancel the jobs, wait until their processes are gone, end the daemons."""
        with contextlib.suppress(RuntimeError, subprocess.TimeoutExpired):
            if jobs := self.run("squeue", "-h", "-o", "%A", timeout=10).split():
                self.run("scancel", "--full", *jobs, timeout=10)
                deadline = time.monotonic() + 20
                while self.run("squeue", "-h", timeout=10).strip() and time.monotonic() < deadline:
                    time.sleep(0.2)
        for child in reversed(self._children):
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()
        kill_marked(f"SLURM_CONF={self.configuration}")

    def start_node(self, k: int) -> None:
        """Bring node ``k`` (1, 2, ...) up, or up again."""
        command = ("slurmd", "-D", "-f", str(self.configuration), "-N", f"node{k}")
        # The daemon's own children carry its mark, SLURM's for the steps is SLURMD_NODENAME.
        self._slurmd[k] = self._start(*command, **{_NODE: f"node{k}"})

    def kill_node(self, k: int) -> None:
        """Take node ``k`` away as a power cut would: its daemon and all processes of jobs on it, by SIGKILL.

        SLURM finds out by itself, within ``SlurmdTimeout``.
        """
        child = self._slurmd.pop(k)
        child.kill()
        child.wait()
        self._children.remove(child)
        conf = f"SLURM_CONF={self.configuration}"
        kill_marked(conf, f"{_NODE}=node{k}")
        kill_marked(conf, f"SLURMD_NODENAME=node{k}")
        # PMIx would not start the job's step again over what it left there; a node without a disk has lost it.
        for kind in ("spool", "tmp"):
            shutil.rmtree(self.root / kind / f"node{k}")
            (self.root / kind / f"node{k}").mkdir()

    # ------------------------------------------------------------------ jobs

    def sbatch(self, *arguments: str, cwd: Path | None = None, **environment: str) -> int:
        """Submit; the job's id."""
        text = self.run("sbatch", "--parsable", *arguments, cwd=cwd, environment=environment)
        return int(text.split()[-1].split(";")[0])

    def states(self, jobs: list[int]) -> list[str]:
        """SLURM's word for each job: PENDING, RUNNING, COMPLETED, FAILED ..."""
        lines = self.run("squeue", "-h", "-t", "all", "-o", "%A %T").splitlines()
        known = dict(line.split() for line in lines)
        return [known.get(str(job), "UNKNOWN") for job in jobs]

    def tasks(self, job: int) -> dict[int, str]:
        """SLURM's word for each task of an array, by its index."""
        lines = self.run("squeue", "-h", "-r", "-t", "all", "-o", "%F %K %T").splitlines()
        known = (line.split() for line in lines)
        return {int(task): state for array, task, state in known if array == str(job) and task != "N/A"}

    def wait(self, jobs: list[int], timeout: float = 180) -> list[str]:
        """Wait until every job has ended; their last states."""
        live = {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED", "SUSPENDED", "UNKNOWN"}
        deadline = time.monotonic() + timeout * PATIENCE
        while live & set(states := self.states(jobs)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"jobs {jobs} are {states} after {timeout:.0f} s\n{self.run('squeue')}")
            time.sleep(0.25)
        return states

    def until(self, ready: Callable[[], bool], job: int, log: Path, timeout: float = 180) -> None:
        """Wait until ``ready()`` while ``job`` waits or runs; where it has ended, or after ``timeout``, its ``log``."""
        deadline, asks = time.monotonic() + timeout * PATIENCE, 0.0
        while True:
            begun = time.monotonic()
            if ready():
                return
            pause = max(0.05, 4 * (time.monotonic() - begun))  # a look may start a process, too
            ended = begun > asks and self.states([job])[0] in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT")
            said = log.read_text() if log.exists() else "nothing"
            assert not (ended and not ready()), f"job {job} has ended and said:\n{said}"
            assert begun < deadline, f"job {job} after {timeout:.0f} s has said:\n{said}"
            if begun > asks:
                asks = time.monotonic() + 2
            time.sleep(pause)

    def field(self, job: int | str, name: str) -> str:
        """One field of ``scontrol show job``, such as NodeList or Restarts; of a task: "JOB_INDEX"."""
        words = self.run("scontrol", "show", "job", str(job)).split()
        return next(word.partition("=")[2] for word in words if word.startswith(f"{name}="))

    def signal(self, job: int | str, name: str) -> None:
        """Send the batch script a signal, as SLURM does before the time limit."""
        self.run("scancel", "--batch", f"--signal={name}", str(job))

    # ------------------------------------------------------------------ how

    @property
    def configuration(self) -> Path:
        """The lab's slurm.conf."""
        return self.root / "slurm.conf"

    def _ids(self) -> range:
        return range(1, self.nodes + 1)

    def _environment(self) -> dict[str, str]:
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_", "SRUN_", "RAY_"))
        }
        return kept | {
            "PATH": PATH,
            "SLURM_CONF": str(self.configuration),
            # The "nodes" share /dev/shm, which Open MPI's shared memory transport does not expect.
            "OMPI_MCA_btl": "tcp,self",
            "OMPI_MCA_btl_tcp_if_include": "lo",
            "OMPI_MCA_oob_tcp_if_include": "lo",
            # ... and its cores: a rank that waits leaves them to one that computes.
            "OMPI_MCA_mpi_yield_when_idle": "1",
            "HOROVOD_CYCLE_TIME": "10",
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        }

    def _configure(self) -> None:
        host = socket.gethostname().split(".")[0]
        with contextlib.ExitStack() as held:  # all held at once, so that all differ
            probes = [held.enter_context(socket.socket()) for _ in range(self.nodes + 1)]
            for probe in probes:
                probe.bind(("127.0.0.1", 0))
            controller, *ports = (probe.getsockname()[1] for probe in probes)
        nodes = (
            f"NodeName=node{k} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} State=UNKNOWN"
            for k, port in zip(self._ids(), ports, strict=True)
        )
        self.configuration.write_text(
            CONFIGURATION.format(
                host=host,
                user=getpass.getuser(),
                root=self.root,
                cpus=self.cpus,
                controller_port=controller,
                nodes="\n".join(nodes),
            )
        )
        # Without this, slurmd looks for a cgroup file system and does not start in a container.
        (self.root / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        # Devices that are no GPUs: SLURM gives them out all the same.
        (self.root / "gres.conf").write_text(f"Name=gpu File={self.root}/gpu[0-1]\n")
        for k in (0, 1):
            (self.root / f"gpu{k}").symlink_to(os.devnull)

    def _start_munge(self) -> None:
        key, munge_socket = self.root / "munge.key", self.root / "munge.socket"
        key.unlink(missing_ok=True)
        with open(key, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(secrets.token_bytes(128))
        self._start(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={munge_socket}",
            f"--pid-file={self.root}/munged.pid",
            f"--log-file={self.root}/log/munged.log",
            f"--seed-file={self.root}/munge.seed",
        )
        self._until(munge_socket.exists, "munged made no socket")

    def _start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        with (self.root / "log" / f"{command[0]}.out").open("ab") as log:
            child = subprocess.Popen(
                command,
                env=self.env | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,  # noqa: PLW1509  (one prctl call)
            )
        self._children.append(child)
        return child

    def _await_nodes(self) -> None:
        def all_idle() -> bool:
            shown = self.run("sinfo", "-h", "-N", "-p", "main", "-o", "%t", check=False).split()
            return shown == ["idle"] * self.nodes

        self._until(all_idle, "the nodes did not come up")

    def _until(self, ready: Callable[[], bool], complaint: str, timeout: float = 30) -> None:
        deadline = time.monotonic() + timeout
        while not ready():
            dead = [child.args for child in self._children if child.poll() is not None]
            if dead or time.monotonic() > deadline:
                logs = "\n".join(log.read_text()[-2000:] for log in (self.root / "log").glob("*"))
                raise RuntimeError(f"{complaint} (ended: {dead})\n{logs}")
            time.sleep(0.1)

    def run(
        self,
        *command: str,
        cwd: Path | None = None,
        timeout: float = 60,
        check: bool = True,
        environment: dict[str, str] | None = None,
    ) -> str:
        """What a command prints that runs as on the lab's login node; RuntimeError with its message."""
        done = subprocess.run(
            command,
            env=self.env | (environment or {}),
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return done.stdout


def kill_marked(*marks: str) -> bool:
    """Kill every process but this one that has all of ``marks`` ("NAME=value") in its environment; whether any has."""
    wanted, found = {mark.encode() for mark in marks}, False
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted <= set((folder / "environ").read_bytes().split(b"\0")):
                    os.kill(int(folder.name), signal.SIGKILL)
                    found = True
    return found


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def main() -> None:
    """Run a lab until Ctrl-C."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="slurm-lab-"))
    with Lab(root) as lab:
        changed = {k: v for k, v in lab.env.items() if os.environ.get(k) != v}
        (root / "env").write_text("".join(f"export {key}='{value}'\n" for key, value in changed.items()))
        print(f"two nodes are up; in another shell:  . {root}/env && sinfo\nCtrl-C ends them", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
