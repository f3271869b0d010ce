"""Settings of ``hpcvox evaluate`` and ``hpcvox evaluate-fingerprint``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.generation.settings import NetworkSettings, PlacementSettings

Displacement = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


class EvaluateSettings(NetworkSettings):
    """``evaluate``: held-out crystals through the networks and back."""

    shards: Path = Field(
        Path("runs/shards"), description="shard set whose held-out crystals are reconstructed"
    )
    out: Path = Field(Path("runs/evaluation"), description="folder for metrics.json and per_crystal.csv")
    limit: int = Field(0, ge=0, description="held-out crystals used, evenly spread; 0 = all")
    placement: PlacementSettings = Field(PlacementSettings(), description="how voxels become atoms")


class EvaluateFingerprintSettings(Settings):
    """``evaluate-fingerprint``: crystals with defects, classified by a network and by spglib."""

    run: Path = Field(Path("runs/fingerprint"), description="run folder of train-fingerprint")
    source: Path = Field(
        Path("runs/elements/crystals.csv"),
        description="crystals, as for featurize; with the target that the network was trained on",
    )
    out: Path = Field(Path("runs/defects"), description="folder for accuracy.csv and accuracy.png")
    limit: int = Field(500, ge=0, description="crystals used, evenly spread; 0 = all")
    displacements: tuple[Displacement, ...] = Field(
        (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
        description="Å; standard deviations of the shift of each coordinate",
    )
    vacancies: tuple[Share, ...] = Field(
        (0.01, 0.1, 0.25, 0.4, 0.5, 0.6, 0.7), description="shares of the atoms that are removed"
    )
    substitutions: tuple[Share, ...] = Field(
        (0.25, 0.5), description="shares of the atoms that become another element"
    )
    symmetry: bool = Field(True, description="classify by spglib, too, at three tolerances")
    seed: int = Field(0, ge=0, description="of the defects")
    actors: int = Field(0, ge=0, description="Ray actors, one CPU each; 0 takes all CPUs")
