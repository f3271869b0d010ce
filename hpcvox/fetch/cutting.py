"""Connections that can be cut, because a server that sends one byte per second is never silent and never done."""

import contextlib
import os
import socket
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter


class Cutter(HTTPAdapter):
    """Makes the connections of a session, and closes those of a request that takes too long."""

    def __init__(self) -> None:
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()  # connections that may be used again
        self._lines: list[socket.socket] = []  # second handles of the running request's sockets
        self._late = threading.Event()
        super().__init__()

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[threading.Event]:
        """A context that closes all connections after ``seconds``; then it sets the event, and reading ends."""
        self._late = threading.Event()
        for connection in list(self._connections):
            if connection.sock is not None:
                self._hold(connection.sock)
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield self._late
        finally:
            timer.cancel()
            timer.join()
            while self._lines:
                self._lines.pop().close()

    def _cut(self) -> None:
        self._late.set()
        for line in list(self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def _hold(self, sock: socket.socket) -> None:
        """Keep a second handle of a socket, because the first one is passed on (to TLS, to the answer)."""
        self._lines.append(socket.socket(fileno=os.dup(sock.fileno())))
        if self._late.is_set():
            self._cut()

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """As requests does, with connections that are known here."""
        super().init_poolmanager(*arguments, **more)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **more: Any) -> Any:
        """As requests does, with connections that are known here."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **more)
        if not known:
            self._watch(manager)
        return manager

    def _watch(self, manager: Any) -> None:
        pools = manager.pool_classes_by_scheme.items()
        manager.pool_classes_by_scheme = {scheme: self._watched(pool) for scheme, pool in pools}

    def _watched(self, pool: Any) -> Any:
        cutter = self

        class Connection(pool.ConnectionCls):  # type: ignore[misc] # plain, by TLS or by SOCKS
            def _new_conn(self) -> socket.socket:
                sock: socket.socket = super()._new_conn()
                cutter._connections.add(self)
                cutter._hold(sock)
                return sock

        return type(pool.__name__, (pool,), {"ConnectionCls": Connection})
