"""Finished and running trainings on disk: the exported model and its card.

A run folder holds ``config.yaml``, ``metrics.jsonl``, ``tensorboard/``, ``checkpoints/`` and, as soon as one
epoch is done, ``model.safetensors`` with ``model.json``: the weights of the best epoch: as a rule that of the lowest
held-out loss.  A VAE's that is done has ``prior.safetensors``, too (:mod:`hpcvox.training.prior`).
"""

from pathlib import Path
from typing import Any, Final

import xxhash
from safetensors.torch import load_file, save
from torch import nn

from hpcvox import __version__, config, durable
from hpcvox.errors import CheckpointError
from hpcvox.models.cgcnn import CGCNN
from hpcvox.models.convnet import ConvNet
from hpcvox.models.settings import CGCNNSettings, ConvNetSettings, UNetSettings, VAESettings, VoxelCNNSettings
from hpcvox.models.unet import UNet
from hpcvox.models.vae import VAE
from hpcvox.models.voxel_cnn import VoxelCNN
from hpcvox.training.card import CARD, WEIGHTS, read_card, untrained


def export(folder: Path, task: str, model: nn.Module, card: dict[str, Any]) -> None:
    """Write the model and its card; the card names the checksum of its weights, so that the two go together."""
    weights = save({k: v.contiguous() for k, v in model.state_dict().items()})
    card = {
        "task": task,
        "hpcvox": __version__,
        "weights": sum(p.numel() for p in model.parameters()),
        "checksum": xxhash.xxh3_128_hexdigest(weights),
        **card,
    }
    durable.write_bytes(folder / WEIGHTS, weights)
    durable.write_json(folder / CARD, card)


def load_model(folder: Path, task: str | None = None) -> tuple[nn.Module, dict[str, Any]]:
    """The model of a run folder, in evaluation mode, and its card.

    Raises:
        CheckpointError: there is none, it is damaged, or it is not of the ``task`` asked for.
    """
    card = read_card(folder)
    if task is not None and card.get("task") != task:
        raise CheckpointError(f"{folder} holds a {card.get('task')}, and a {task} is needed here")
    try:
        weights = (folder / WEIGHTS).read_bytes()
    except OSError as error:
        raise untrained(folder, error) from None
    if xxhash.xxh3_128_hexdigest(weights) != card.get("checksum"):
        raise CheckpointError(
            f"{folder / WEIGHTS} is not what {CARD} describes (damaged, or its writing was interrupted): "
            "run the training again, it goes on from its last checkpoint and writes both anew"
        )
    if card.get("task") not in _MODELS:
        raise CheckpointError(
            f"{folder / CARD}: the task {card.get('task')!r} is not one of {', '.join(_MODELS)}"
        )
    model = _MODELS[card["task"]](card, str(folder / CARD))
    model.load_state_dict(load_file(folder / WEIGHTS))
    return model.eval(), card


def _unet(card: dict[str, Any], origin: str) -> nn.Module:
    return UNet(config.validate(UNetSettings, card["model"], origin))


def _vae(card: dict[str, Any], origin: str) -> nn.Module:
    return VAE(config.validate(VAESettings, card["model"], origin), card["conditions"], card["voxels"])


def _r3dvs(card: dict[str, Any], origin: str) -> nn.Module:
    settings = config.validate(VoxelCNNSettings, card["model"], origin)
    return VoxelCNN(settings, card["channels"], card["voxels"], card["outputs"], card["scale"])


def _fingerprint(card: dict[str, Any], origin: str) -> nn.Module:
    settings = config.validate(ConvNetSettings, card["model"], origin)
    return ConvNet(settings, card["pixels"], len(card["classes"]))


def _cgcnn(card: dict[str, Any], origin: str) -> nn.Module:
    return CGCNN(config.validate(CGCNNSettings, card["model"], origin))


_MODELS: Final = {
    "unet": _unet,
    "vae": _vae,
    "cgcnn": _cgcnn,
    "r3dvs": _r3dvs,
    "fingerprint": _fingerprint,
}
"""How the model of each task is made from its card."""
