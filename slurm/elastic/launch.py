"""horovodrun, whose services listen on the nodes' own network alone, for which Horovod has no option.

``launch.py ADDRESS ARGS...``: ``ADDRESS`` is that of this node as the others see it; where ``ARGS`` name a network
interface (``--network-interfaces ib0``), it is that one's.
"""

import sys
from collections.abc import Callable
from typing import Any

from horovod.runner import launch
from horovod.runner.util import network

INTERFACES = "--network-interfaces"


def main(address: str, arguments: list[str]) -> None:
    """Run horovodrun with ``arguments``."""
    if INTERFACES in arguments[:-1]:
        named = arguments[arguments.index(INTERFACES) + 1]
        address = network.get_driver_ip(named.split(","))
    everywhere: Callable[[Callable[[tuple[str, int]], Any]], Any] = network.find_port

    def there(make: Callable[[tuple[str, int]], Any]) -> Any:
        return everywhere(lambda place: make((address, place[1])))

    for module in [module for name, module in sys.modules.items() if name.startswith("horovod.runner")]:
        if getattr(module, "find_port", None) is everywhere:
            module.find_port = there  # type: ignore[attr-defined]
    network.get_driver_ip = lambda nics: address  # it is where ranks are told to come
    sys.argv = ["horovodrun", *arguments]
    launch.run_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
