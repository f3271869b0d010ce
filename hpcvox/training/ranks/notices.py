"""Tells the launcher of an elastic training where a rank listens, so that the launcher can tell it of new ranks.

Horovod itself sends a pickle with the rank's key.  Its launcher unpickles what anybody sends to its port, and gives the
key to anybody who asks.  Here both sides read one key from the job's private folder, and sign messages with it.
"""

import contextlib
import hashlib
import hmac
import http.client
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TELLS_S = 60
"""Seconds in which the launcher must answer."""

Addresses = dict[str, list[tuple[str, int]]]
"""For each network interface the addresses and ports at which a rank listens."""


def make_key(folder: Path) -> bytes:
    """Make a key and save it in ``folder``, which nobody else can enter."""
    descriptor = os.open(_file(folder), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return read_key(folder)


def read_key(folder: Path) -> bytes:
    """Read the key of this job."""
    return bytes.fromhex(_file(folder).read_text("ascii"))


def sealed(key: bytes, rank: str, addresses: Mapping[str, Sequence[tuple[str, int]]]) -> bytes:
    """The signed message with the addresses of ``rank``."""
    text = json.dumps(addresses).encode()
    return _signature(key, rank, text) + b" " + text


def tell(key: bytes, host: str, port: int, scope: str, rank: str, value: tuple[Addresses, bytes]) -> None:
    """Replacement of Horovod's ``put_data_into_kvstore``: sends ``value`` without the key, which the launcher has."""
    connection = http.client.HTTPConnection(host, port, timeout=TELLS_S)
    with contextlib.closing(connection):
        connection.request("PUT", f"/{scope}/{rank}", sealed(key, rank, value[0]))
        connection.getresponse().read()


def unsealed(key: bytes, rank: str, told: bytes) -> Addresses | None:
    """The addresses in a message about ``rank``; None if the sender does not have the key."""
    signature, _, text = told.partition(b" ")
    if not hmac.compare_digest(signature, _signature(key, rank, text)):
        return None
    found: Any = json.loads(text)
    return {interface: [(str(ip), int(port)) for ip, port in places] for interface, places in found.items()}


def _signature(key: bytes, rank: str, text: bytes) -> bytes:
    return hmac.new(key, rank.encode() + b"\0" + text, hashlib.sha256).hexdigest().encode()


def _file(folder: Path) -> Path:
    return folder / "key"
