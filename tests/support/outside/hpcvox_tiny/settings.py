"""Its settings."""

from pathlib import Path

from pydantic import Field

from hpcvox.training.settings import TrainSettings


class TrainTinySettings(TrainSettings):
    """``train-tiny``: mean density → a target."""

    network = "tiny"

    out: Path = Field(Path("runs/tiny"), description="run folder")
    target: str = Field("energy", description="what is learnt")
