"""``hpcvox study dashboard``: serves Optuna's dashboard of a study, also while workers run.

It listens on the loopback interface, which every user of the machine can reach.  So it requires the token that is in
the printed address.  It only shows the study: a click that deletes it would change the journal while workers write to
it.
"""

import os
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from optuna.artifacts import FileSystemArtifactStore
from optuna_dashboard import wsgi  # type: ignore[import-untyped]

from hpcvox.errors import ConfigError
from hpcvox.process.interrupt import StopRequest
from hpcvox.process.outcome import INTERRUPTED, Outcome
from hpcvox.studies.books.journal import ARTIFACTS
from hpcvox.studies.settings import DashboardSettings
from hpcvox.studies.study import Study
from hpcvox.terminal import say

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOPBACK: Final = "127.0.0.1"
HERE: Final = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; base-uri 'none'; frame-ancestors 'none'"
)
"""What Optuna's page may fetch: notes in a stranger's study could show pictures from anywhere."""
PICTURE: Final = "default-src 'none'; sandbox"
"""What an artifact of the study may do if it is a page."""
LOOK_S: Final = 0.5
"""Seconds between two looks whether it was told to stop."""


def dashboard(out: Path, settings: DashboardSettings) -> Outcome:
    """Serve the dashboard of the study in ``out`` until a signal ends it.

    Raises:
        ConfigError: there is no study, or the port is not free.
    """
    with StopRequest() as stop:
        study = Study.open(out)
        server = _listen(settings.port)
        with server:
            port = server.server_port
            token = secrets.token_urlsafe(24)
            storage = study.storage
            page = f"/dashboard/studies/{storage.get_study_id_from_name(study.optuna.study_name)}"
            app = wsgi(storage, artifact_store=FileSystemArtifactStore(out / ARTIFACTS))
            server.set_app(Guard(app, token, f"hpcvox-dashboard-{port}", page))
            # a user who may read this in the log of a job can usually read the study itself
            say(f"dashboard of {out}: http://{LOOPBACK}:{port}/?token={token}")
            if way := ssh_line(port, os.environ, socket.gethostname()):
                say(f"to open that on your own machine, let this run there: {way}")
            while not stop.received:
                server.handle_request()
    return Outcome(f"dashboard of {out} ended: run the same command again to see more", INTERRUPTED)


def ssh_line(port: int, environment: "os._Environ[str] | dict[str, str]", node: str) -> str | None:
    """The ssh command for the user's own machine that forwards ``port`` of this ``node``; None if this is that machine.

    It connects through the node, because the port is open only on its loopback interface.
    """
    user = environment.get("USER", "USER")
    if "SLURM_JOB_ID" in environment:
        submit = environment.get("SLURM_SUBMIT_HOST", node)
        jump = f"-J {user}@{submit} " if submit != node else ""
    elif "SSH_CONNECTION" in environment:
        jump = ""
    else:
        return None
    return f"ssh -N {jump}-L {port}:{LOOPBACK}:{port} {user}@{node}"


class Guard:
    """Passes requests to an app if they only read and have the token: first in the address, then as a cookie."""

    def __init__(self, app: "WSGIApplication", token: str, cookie: str, page: str) -> None:
        self._app, self._token, self._cookie, self._page = app, token, cookie, page

    def __call__(self, environ: "WSGIEnvironment", respond: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        if any(map(self._right, parse_qs(environ.get("QUERY_STRING", "")).get("token", []))):
            # no redirect: after a click on a page of another site, the browser would send no cookie
            text = f'<!doctype html><meta http-equiv="refresh" content="0; url={self._page}">'
            cookie = f"{self._cookie}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            return _say(respond, "200 OK", "text/html", text, ("Set-Cookie", cookie))
        cookies = [word.strip().partition("=") for word in environ.get("HTTP_COOKIE", "").split(";")]
        if not any(name == self._cookie and self._right(value) for name, _, value in cookies):
            text = "Open the whole address that `hpcvox study dashboard` has printed, with its token.\n"
            return _say(respond, "403 Forbidden", "text/plain", text)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            text = '{"reason": "This dashboard is there to look at: it changes nothing in the study."}'
            return _say(respond, "405 Method Not Allowed", "application/json", text, ("Allow", "GET, HEAD"))
        policy = PICTURE if environ["PATH_INFO"].startswith("/artifacts/") else HERE
        safe = [("Content-Security-Policy", policy), ("X-Content-Type-Options", "nosniff"), *_NEVER_SENT]

        def guarded(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return respond(status, [*headers, *safe], *more)

        return self._app(environ, guarded)

    def _right(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self._token.encode())


_NEVER_SENT: Final = [("Referrer-Policy", "no-referrer")]
"""The address, with the token in it, to another server."""


def _say(
    respond: "StartResponse", status: str, kind: str, text: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    body = text.encode()
    always = [("Cache-Control", "no-store"), *_NEVER_SENT]
    respond(
        status,
        [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body))), *always, *headers],
    )
    return [body]


class _Server(ThreadingMixIn, WSGIServer):
    """A server with threads, because a browser sends several requests at once."""

    daemon_threads = True
    timeout = LOOK_S


class _Handler(WSGIRequestHandler):
    """Logs no requests, and gives up a request that does not come in time."""

    timeout = 30

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


def _listen(port: int) -> _Server:
    try:
        return _Server((LOOPBACK, port), _Handler)
    except OSError as error:
        raise ConfigError(
            f"port={port}: cannot listen there ({error.strerror}): leave port out for a free one, "
            "or choose another from 1024 to 65535"
        ) from None
