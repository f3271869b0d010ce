"""What its network says of itself."""

from typing import Literal

from hpcvox.config import Settings
from hpcvox.training.folder.card import Card


class TinyCard(Card):
    """What it takes to make the model again, and to use it."""

    task: Literal["tiny"] = "tiny"
    model: Settings = Settings()
    target: str
