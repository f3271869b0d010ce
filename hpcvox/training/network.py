"""The list of networks: one record for each, which names its settings, model, card and so on.

The training loop, studies, run folders and the command line find networks only through these records.  Each folder of
:mod:`hpcvox.networks` has the record of a network of hpcvox.  Another package adds a network by an entry point of the
group ``hpcvox.networks`` that names a :class:`Network`.
"""

import importlib
import pkgutil
from typing import Any, Final, NamedTuple, cast

from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.registry import Registry, loaded

PACKAGE: Final = "hpcvox.networks"
"""The package of our networks, and the group of other packages' entry points."""


class Network(NamedTuple):
    """A network.  Its parts are named as ``package.module:NAME`` and imported when needed: PyTorch takes seconds."""

    name: str
    """Its name: ``train-NAME`` is its verb, and ``task`` in its card."""
    help: str
    """What it predicts from what, for ``hpcvox --help``."""
    settings: str
    """Place of the settings class of its training, a :class:`hpcvox.training.settings.TrainSettings`."""
    recipe: str
    """Its :class:`hpcvox.training.task.Recipe`."""
    build: str
    """Place of the function that builds the model from its card; the caller loads the weights."""
    card: str
    """Place of its card class, a :class:`hpcvox.training.folder.card.Card`; importing it must not import PyTorch."""
    descriptor: str
    """Name of the descriptor of its shard sets."""
    check: str = ""
    """Place of a function that takes the settings of a training and its shard set, and raises an error if they do not
    fit; it runs before ranks are launched.

    Loads no PyTorch."""
    leaves: tuple[str, ...] = ()
    """Names of the files that its training may write into the run folder beside the model."""

    @property
    def verb(self) -> str:
        """The verb of the command line that trains it."""
        return f"train-{self.name}"

    def load(self, part: str) -> Any:
        """Import the object that the field ``part`` (``settings``, ``recipe``, ``build`` or ``card``) names."""
        return loaded(getattr(self, part))


def _ours() -> dict[str, Network]:
    folder = importlib.import_module(PACKAGE)
    found = [
        loaded(f"{PACKAGE}.{one.name}:NETWORK") for one in pkgutil.iter_modules(folder.__path__) if one.ispkg
    ]
    return {network.name: network for network in found}


NETWORKS: Final = Registry[Network]("network", PACKAGE, _ours)


def ours() -> dict[str, Network]:
    """The networks of hpcvox by name, one for each folder of :mod:`hpcvox.networks`."""
    return NETWORKS.ours


def known() -> dict[str, Network]:
    """All networks by name: those of hpcvox, then those of other packages."""
    return NETWORKS.known


def named(name: str) -> Network | None:
    """The network of this name; None if there is none.  Reads entry points only if it is not one of ours."""
    return NETWORKS.named(name)


def find(name: str) -> Network:
    """The network of this name, or the one at ``package.module:NAME``.

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
        "package.module:NAME of a network in another package"
    )
