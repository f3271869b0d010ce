"""horovodrun, whose services listen on the nodes' own network alone, and which believes its ranks alone; for neither of
which Horovod has an option.

``launch.py ADDRESS ARGS...``: ``ADDRESS`` is that of this node as the others see it; where ``ARGS`` name a network
interface (``--network-interfaces ib0``), it is that one's.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from horovod.runner import gloo_run, launch
from horovod.runner.elastic.rendezvous import PUT_WORKER_ADDRESSES
from horovod.runner.util import network

from hpcvox.training.ranks import notices

INTERFACES = "--network-interfaces"


def listen_at(address: str) -> None:
    """Have all services listen there."""
    everywhere: Callable[[Callable[[tuple[str, int]], Any]], Any] = network.find_port

    def there(make: Callable[[tuple[str, int]], Any]) -> Any:
        return everywhere(lambda place: make((address, place[1])))

    for module in [module for name, module in sys.modules.items() if name.startswith("horovod.runner")]:
        if getattr(module, "find_port", None) is everywhere:
            module.find_port = there  # type: ignore[attr-defined]
    network.get_driver_ip = lambda nics: address  # it is where ranks are told to come


def believe_ranks_alone(folder: Path) -> None:
    """Take from whoever has the key in ``folder`` where a rank listens; Horovod unpickles it from anybody."""
    key = notices.make_key(folder)
    believing: Callable[[Any], Any] = gloo_run.create_rendezvous_handler

    def handler(driver: Any) -> Any:
        plain = believing(driver)

        class Handler(plain):  # type: ignore[misc]
            def _put_value(self, scope: str, name: str, value: bytes) -> None:
                if scope != PUT_WORKER_ADDRESSES:
                    super()._put_value(scope, name, value)
                elif (addresses := notices.unsealed(key, name, value)) is None:
                    print(
                        f"elastic: {self.client_address[0]} is no rank and is not believed", file=sys.stderr
                    )
                else:
                    host, slot = name.split(":")
                    driver.register_worker_server(host, int(slot), addresses, key)

        return Handler

    gloo_run.create_rendezvous_handler = handler


def main(address: str, arguments: list[str]) -> None:
    """Run horovodrun with ``arguments``."""
    if INTERFACES in arguments[:-1]:
        named = arguments[arguments.index(INTERFACES) + 1]
        address = network.get_driver_ip(named.split(","))
    listen_at(address)
    believe_ranks_alone(Path(os.environ["HPCVOX_ELASTIC"]))
    sys.argv = ["horovodrun", *arguments]
    launch.run_commandline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
