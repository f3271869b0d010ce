"""Settings of ``hpcvox generate``."""

from pathlib import Path

from pydantic import Field, model_validator

from hpcvox.config import Settings
from hpcvox.errors import ConfigError


class PlacementSettings(Settings):
    """How decoded voxels become atoms."""

    mask_threshold: float = Field(0.8, gt=0, lt=1, description="least probability of an occupied voxel")
    drop_voxels: int = Field(
        3,
        ge=0,
        description="isolated regions of at most so many voxels go, unless the density has a maximum there",
    )
    max_sites: int = Field(64, ge=1, le=500, description="a map with more sites is rejected as noise")


class NetworkSettings(Settings):
    """Which networks, and on how much of the machine."""

    vae: Path = Field(Path("runs/vae"), description="run folder of the VAE (see: hpcvox train-vae)")
    unet: Path = Field(Path("runs/unet"), description="run folder of the UNet (see: hpcvox train-unet)")
    threads: int = Field(0, ge=0, description="CPU threads; 0 = all CPUs at hand")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N")


class GenerateSettings(NetworkSettings):
    """``generate``: random points of the latent space → crystals."""

    out: Path = Field(Path("runs/generated"), description="folder for cifs/, candidates.csv, summary.json")
    per_condition: int = Field(100, ge=1, description="samples for each decile of the condition")
    conditions: list[int] | None = Field(None, description="deciles to sample, 0 = lowest; null = all")
    sigma: float = Field(1.0, gt=0, description="standard deviation of the latent points about 0")
    seed: int = Field(0, ge=0, description="of the latent points")
    placement: PlacementSettings = Field(
        default_factory=PlacementSettings, description="how voxels become atoms"
    )
    slices: int = Field(1, ge=0, description="decoded densities kept for each decile, for the report")

    @model_validator(mode="after")
    def _conditions_differ(self) -> "GenerateSettings":
        if self.conditions is not None and (
            not self.conditions
            or len(set(self.conditions)) < len(self.conditions)
            or min(self.conditions) < 0
        ):
            raise ConfigError(
                f"conditions: a list of different deciles from 0, not {self.conditions}; null = all"
            )
        return self
