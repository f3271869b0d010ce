"""A real HTTP server on the loopback that forwards to another and misbehaves as it is told."""

import contextlib
import http.client
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

Fault = int | str | tuple[int, str] | None
"""What happens to a request: see :class:`Proxy`."""


SLOW = {
    "slow headers": b"HTTP/1.1 200 OK\r\nServer: ",
    "slow body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
    "slow body without end": b"HTTP/1.0 200 OK\r\n\r\n",
    "slow chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "slow compressed body": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n",
}
"""What comes before a byte every tenth of a second."""


class Proxy(http.server.ThreadingHTTPServer):
    """Forwards to ``target``.

    ``faults`` are used up, one a request: a status (503), a status with its ``Retry-After`` ((429, "1")),
    ``"cut"`` (half of the answer), ``"drop"`` (no answer), ``"garbage"``, ``"silent"``, or None (none); and those of a
    server that is slow for ever, :data:`SLOW`.
    ``change`` turns the bytes of an answer into others.  Where there is a ``key``, it is asked for as gateways do,
    for all but the heartbeat.
    """

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = urlsplit(target).netloc
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.faults: list[Fault] = []
        self.key: str | None = None
        self.change: Callable[[str, bytes], bytes] = lambda path, body: body
        self.requests: list[tuple[float, str, dict[str, str]]] = []  # (when it came, path, headers)
        self.at_once = self.most_at_once = 0


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request to a :class:`Proxy`."""

    server: Proxy

    def do_GET(self) -> None:
        server = self.server
        server.requests.append((time.monotonic(), self.path, dict(self.headers)))
        server.at_once += 1
        server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            self._answer(server.faults.pop(0) if server.faults else None)
        finally:
            server.at_once -= 1

    def _answer(self, fault: Fault) -> None:
        if fault == "drop":
            self.close_connection = True
            return
        if fault == "silent":
            time.sleep(2)
            return
        if isinstance(fault, str) and fault in SLOW:
            self.wfile.write(SLOW[fault])
            with contextlib.suppress(OSError):
                for _ in range(600):  # a minute
                    self.wfile.write(b"1")
                    time.sleep(0.1)
            self.close_connection = True
            return
        if fault == "garbage":
            self._send(200, b'{"data": [')
            return
        if isinstance(fault, int | tuple):
            status, rest = fault if isinstance(fault, tuple) else (fault, None)
            self._send(status, b'{"errors": [{"detail": "come back later"}]}', rest)
            return
        if server_key := self.server.key:
            given = self.headers.get("X-API-KEY")
            if given != server_key and self.path != "/heartbeat":
                said = "Invalid authentication credentials" if given else "No API key found in request"
                self._send(401, json.dumps({"message": said}).encode())
                return
        connection = http.client.HTTPConnection(self.server.target, timeout=30)
        with contextlib.closing(connection):
            # with the name that it was asked by, so that links lead here
            connection.request("GET", self.path, headers={"Host": self.headers["Host"]})
            response = connection.getresponse()
            body = self.server.change(self.path, response.read())
        self._send(response.status, body, part=len(body) // 2 if fault == "cut" else None)

    def _send(self, status: int, body: bytes, rest: str | None = None, part: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if rest is not None:
            self.send_header("Retry-After", rest)
        self.end_headers()
        self.wfile.write(body[:part])
        self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def proxying(target: str) -> Iterator[Proxy]:
    """A :class:`Proxy` to the server at the URL ``target``."""
    with Proxy(target) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
