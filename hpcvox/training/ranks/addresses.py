"""Where ranks listen for each other: at one address of a node, that of the network between its nodes.

It is found by addresses, not by names: a node's own name may mean 127.0.1.1 to itself, and those of others nothing.
"""

import ipaddress
import socket
from collections.abc import Iterable

import psutil


def address_towards(other: str) -> str:
    """This node's own address on its way to another one; nothing is sent.

    Raises:
        OSError: there is no way.
    """
    family, kind, protocol, _, place = socket.getaddrinfo(other, 9, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(place)  # the system chooses the way
        return str(probe.getsockname()[0])


def interface_of(address: str) -> str | None:
    """The network interface that has an address."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address.partition("%")[0] == address for one in addresses):
            return name
    return None


def between(launched_from: Iterable[str], nodes: int | None) -> str | None:
    """The network interface by which this node reaches the others of its job; None where this cannot be told.

    ``launched_from``: the one address from which the ranks were started, as each of them has seen it; loopback is what
    those see that are on that very node.
    """
    told = [ipaddress.ip_address(address) for address in sorted(set(launched_from)) if address]
    outside = [str(address) for address in told if not address.is_loopback]
    if nodes == 1 or (told and not outside):
        return interface_of("127.0.0.1")
    for address in outside:
        try:
            return interface_of(address_towards(address))
        except OSError:
            continue
    return None
