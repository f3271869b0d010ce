"""What a rank of an elastic training tells its launcher of itself: where it listens, so that it can be told of others.

Horovod's way is a pickle, which the launcher loads from whoever reaches its port, with the key of the rank in it, which
it gives to whoever asks.  Here both have one key, in the job's private folder, and what is told is signed by it.
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
"""Time that the launcher may take to answer."""

Addresses = dict[str, list[tuple[str, int]]]
"""For each network interface the addresses and ports at which a rank listens."""


def make_key(folder: Path) -> bytes:
    """A new key, kept in ``folder``, which nobody else can enter."""
    descriptor = os.open(_file(folder), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return read_key(folder)


def read_key(folder: Path) -> bytes:
    """The key of this job."""
    return bytes.fromhex(_file(folder).read_text("ascii"))


def sealed(key: bytes, rank: str, addresses: Mapping[str, Sequence[tuple[str, int]]]) -> bytes:
    """What ``rank`` tells."""
    text = json.dumps(addresses).encode()
    return _signature(key, rank, text) + b" " + text


def tell(key: bytes, host: str, port: int, scope: str, rank: str, value: tuple[Addresses, bytes]) -> None:
    """In the place of Horovod's ``put_data_into_kvstore``: ``value`` without the key, which the launcher has."""
    connection = http.client.HTTPConnection(host, port, timeout=TELLS_S)
    with contextlib.closing(connection):
        connection.request("PUT", f"/{scope}/{rank}", sealed(key, rank, value[0]))
        connection.getresponse().read()


def unsealed(key: bytes, rank: str, told: bytes) -> Addresses | None:
    """What was told of ``rank``; None: not by one who has the key."""
    signature, _, text = told.partition(b" ")
    if not hmac.compare_digest(signature, _signature(key, rank, text)):
        return None
    found: Any = json.loads(text)
    return {interface: [(str(ip), int(port)) for ip, port in places] for interface, places in found.items()}


def _signature(key: bytes, rank: str, text: bytes) -> bytes:
    return hmac.new(key, rank.encode() + b"\0" + text, hashlib.sha256).hexdigest().encode()


def _file(folder: Path) -> Path:
    return folder / "key"
