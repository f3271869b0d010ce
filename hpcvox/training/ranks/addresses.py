"""Finds the network address at which ranks listen for each other: that of the network between the nodes of a job.

It does not use host names: a node may resolve its own name to 127.0.1.1, and may not know the names of other nodes.
"""

import ipaddress
import socket
from collections.abc import Iterable

import psutil


def address_towards(other: str) -> str:
    """This node's own address on the route to the address ``other``; nothing is sent.

    Raises:
        OSError: there is no route.
    """
    family, kind, protocol, _, place = socket.getaddrinfo(other, 9, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(place)  # the system chooses the route
        return str(probe.getsockname()[0])


def interface_of(address: str) -> str | None:
    """The network interface that has this address; None if none has it."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address.partition("%")[0] == address for one in addresses):
            return name
    return None


def between(launched_from: Iterable[str], nodes: int | None) -> str | None:
    """The network interface by which this node reaches the other nodes of its job; None if it cannot be determined.

    Args:
        launched_from: the address of the node that started the ranks, as each rank sees it.  Ranks on that node itself
            see a loopback address.
        nodes: over how many nodes the ranks are; None: several.
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
