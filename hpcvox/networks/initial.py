"""Whether a training can start from the weights of another run's network; imports no PyTorch."""

from pathlib import Path

from hpcvox.config import Settings
from hpcvox.errors import ConfigError
from hpcvox.training.folder.card import C, read_card


def card_of(
    folder: Path,
    kind: type[C],
    shape: Settings,
    *,
    free: frozenset[str] = frozenset(),
) -> C:
    """Read the card of the network in ``folder``, and check that it has the shape of the one to be trained.

    Args:
        folder: run folder of the network.
        kind: class of its card.
        shape: the setting ``model`` of the training.
        free: settings of the shape that may differ.

    Raises:
        CheckpointError: there is no such network.
        ConfigError: it has another shape; the message names each setting that differs and the value it must have.
    """
    card = read_card(folder, kind)
    mine = shape.model_dump(mode="json", exclude=set(free))
    its = card.model.model_dump(mode="json")
    differ = [f"model.{key}={its[key]}" for key, value in mine.items() if its[key] != value]
    if differ:
        but = f" ({', '.join(f'model.{key}' for key in sorted(free))} may differ)" if free else ""
        raise ConfigError(
            f"initial: the network of {folder} has another shape: set {' '.join(differ)}, as it has{but}"
        )
    return card
