"""The storages that a study of many workers could have, each for one folder, and the servers that two of them take."""

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

PORT = "port"
"""File in the folder that says where the proxy listens."""


def plain_journal(folder: Path) -> BaseStorage:
    """Optuna's own journal."""
    return JournalStorage(JournalFileBackend(str(folder / "plain.log")))


def sqlite(folder: Path) -> BaseStorage:
    """A database in a file; not for file systems that several machines share."""
    return RDBStorage(f"sqlite:///{folder}/study.db", engine_kwargs={"connect_args": {"timeout": 300}})


def grpc_proxy(folder: Path) -> GrpcStorageProxy:
    """Optuna's proxy, behind which one process has the database to itself."""
    return GrpcStorageProxy(host="127.0.0.1", port=int((folder / PORT).read_text()))


@contextlib.contextmanager
def sqlite_behind_a_proxy(folder: Path) -> Iterator[None]:
    """While the server of :func:`grpc_proxy` runs, with SQLite."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / PORT).write_text(str(port))
    server = get_context("spawn").Process(target=_serve, args=(folder, port))
    server.start()
    try:
        grpc_proxy(folder).wait_server_ready(timeout=60)
        yield
    finally:
        server.terminate()
        server.join()


def _serve(folder: Path, port: int) -> None:
    optuna.storages.run_grpc_proxy_server(
        optuna.storages.get_storage(sqlite(folder)), host="127.0.0.1", port=port
    )


def postgresql(folder: Path) -> BaseStorage:
    """The database of :func:`postgresql_server`."""
    return RDBStorage(f"postgresql+psycopg://bench@/postgres?host={folder}/socket")


def postgresql_lacks() -> str:
    """What PostgreSQL lacks to be measured here; empty where it is all there."""
    lacking = [program for program in ("initdb", "pg_ctl") if shutil.which(program) is None]
    if importlib.util.find_spec("psycopg") is None:
        lacking.append("the Python driver psycopg")
    return ", ".join(lacking)


@contextlib.contextmanager
def postgresql_server(folder: Path) -> Iterator[None]:
    """A server of its own, as it comes, on a socket in ``folder`` and no network."""
    data, sockets = folder / "data", folder / "socket"
    as_whom: list[str] = []
    for path in (data, sockets):
        path.mkdir(mode=0o700)
    if os.geteuid() == 0:  # it does not run as root
        as_whom = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        folder.chmod(0o755)
        for path in (data, sockets):
            shutil.chown(path, "nobody", "nogroup")

    def run(*command: str) -> None:
        subprocess.run(
            [*as_whom, *command], cwd=sockets, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )

    run("initdb", f"--pgdata={data}", "--username=bench", "--auth=trust", "--no-instructions")
    options = f"-c listen_addresses='' -c unix_socket_directories={sockets}"
    control = ("pg_ctl", f"--pgdata={data}", "--wait", f"--log={data}/log")
    run(*control, f"--options={options}", "start")
    try:
        yield
    finally:
        run(*control, "--mode=fast", "stop")
