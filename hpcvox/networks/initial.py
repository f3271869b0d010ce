"""The network of another run whose weights a training starts from."""

from pathlib import Path

from torch import nn

from hpcvox.config import Settings
from hpcvox.errors import ConfigError
from hpcvox.training.folder import runs
from hpcvox.training.folder.card import C


def loaded(
    folder: Path,
    kind: type[C],
    shape: Settings,
    *,
    free: frozenset[str] = frozenset(),
) -> tuple[nn.Module, C]:
    """The network of ``folder`` and its card, which fits the one that is to be trained.

    Args:
        kind: its card.
        shape: ``model`` of the settings of the training.
        free: settings of the shape that may differ.

    Raises:
        CheckpointError: there is no such network.
        ConfigError: it has another shape; names each setting and what it is to be.
    """
    model, card = runs.load_model(folder, kind)
    mine = shape.model_dump(mode="json", exclude=set(free))
    its = card.model.model_dump(mode="json")
    differ = [f"model.{key}={its[key]}" for key, value in mine.items() if its[key] != value]
    if differ:
        but = f" ({', '.join(f'model.{key}' for key in sorted(free))} may differ)" if free else ""
        raise ConfigError(
            f"initial: the network of {folder} has another shape: set {' '.join(differ)}, as it has{but}"
        )
    return model, card
