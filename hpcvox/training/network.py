"""What a network is to the rest: one record in a folder of its own, and which networks there are.

The training loop, studies, run folders and the command line know networks by these records alone.  Those of hpcvox are
the folders of :mod:`hpcvox.networks`; another package has its own by an entry point of the group ``hpcvox.networks``
that names a :class:`Network`.
"""

import importlib
import pkgutil
from typing import Any, Final, NamedTuple, cast

from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.registry import Registry, loaded

PACKAGE: Final = "hpcvox.networks"
"""Where ours are, and the name of the group of others' entry points."""


class Network(NamedTuple):
    """A network.  What is ``package.module:NAME`` here is loaded when it is needed: PyTorch takes seconds."""

    name: str
    """``train-NAME`` is its verb, and what its card says under ``task``."""
    help: str
    """What it makes of what, for ``hpcvox --help``."""
    settings: str
    """Class of the settings of its training, a :class:`hpcvox.training.settings.TrainSettings`."""
    recipe: str
    """Its :class:`hpcvox.training.task.Recipe`."""
    build: str
    """Function that makes the model, of no particular weights, from its card."""
    card: str
    """Class of its card, a :class:`hpcvox.training.folder.card.Card`; loads no PyTorch."""
    descriptor: str
    """Of the shard sets that it is trained on."""
    check: str = ""
    """Function of the settings of a training and its shard set: raises what would refuse it, before ranks are launched.

    Loads no PyTorch."""
    leaves: tuple[str, ...] = ()
    """Files that its training leaves in the run folder beside the model, as far as it makes them."""

    @property
    def verb(self) -> str:
        """Of the command line."""
        return f"train-{self.name}"

    def load(self, part: str) -> Any:
        """What ``settings``, ``recipe``, ``build`` or ``card`` names."""
        return loaded(getattr(self, part))


def _ours() -> dict[str, Network]:
    folder = importlib.import_module(PACKAGE)
    found = [
        loaded(f"{PACKAGE}.{one.name}:NETWORK") for one in pkgutil.iter_modules(folder.__path__) if one.ispkg
    ]
    return {network.name: network for network in found}


NETWORKS: Final = Registry[Network]("network", PACKAGE, _ours)


def ours() -> dict[str, Network]:
    """The networks of hpcvox by their names: every folder of :mod:`hpcvox.networks` has one."""
    return NETWORKS.ours


def known() -> dict[str, Network]:
    """Ours, and those of other packages by their entry points."""
    return NETWORKS.known


def named(name: str) -> Network | None:
    """The network of this name, if there is one; entry points are read where it is none of ours."""
    return NETWORKS.named(name)


def find(name: str) -> Network:
    """The network of this name, or that which ``package.module:NAME`` is.

    Raises:
        ConfigError: there is none.
    """
    if network := named(name):
        return network
    if ":" in name:
        try:
            return cast(Network, loaded(name))
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"there is no network {name}: {error}") from None
    raise ConfigError(
        f"there is no network {name}: {did_you_mean(name, list(known()))}valid: {', '.join(known())}, or "
        "package.module:NAME of one of another package"
    )
