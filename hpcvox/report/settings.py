"""Settings of ``hpcvox report``: which folders it shows and where it writes."""

from pathlib import Path

from pydantic import Field, field_validator

from hpcvox.config import Settings


class ReportSettings(Settings):
    """A folder that is null or not there has its section say so; at least one must be there."""

    out: Path = Field(Path("runs/report"), description="folder to write report.html to")
    title: str = Field("hpcvox report", description="title of the page")
    database: Path | None = Field(Path("runs/database"), description="folder of `hpcvox database`")
    shards: Path | None = Field(Path("runs/shards"), description="folder of `hpcvox featurize`")
    unet: Path | None = Field(
        Path("runs/unet"), description="run folder of `hpcvox train-unet`, where there is one"
    )
    vae: Path | None = Field(Path("runs/vae"), description="run folder of `hpcvox train-vae`")
    generated: Path | None = Field(Path("runs/generated"), description="folder of `hpcvox generate`")
    evaluation: Path | None = Field(Path("runs/evaluation"), description="folder of `hpcvox evaluate`")
    finetuned_unet: Path | None = Field(
        Path("runs/finetuned_unet"), description="run folder of `hpcvox train-unet vae=…`, where there is one"
    )
    judged: Path | None = Field(
        Path("runs/judged"), description="folder of `hpcvox judge`, where there is one"
    )
    screened: Path | None = Field(
        Path("runs/screened"), description="folder of `hpcvox screen`, where there is one"
    )
    relaxed: Path | None = Field(
        Path("runs/relaxed"), description="folder of `hpcvox relax`, where there is one"
    )
    networks: list[Path] | None = Field(
        None,
        description="run folders of `hpcvox train-cgcnn`; null: those that predicted what is in screened",
    )
    crystals: int = Field(60, ge=0, le=1000, description="candidates that can be turned in 3D (valid first)")
    downloads: int = Field(
        1000,
        ge=0,
        le=20_000,
        description="crystals of a section whose CIFs can be downloaded from inside the page",
    )
    table_rows: int = Field(
        500, ge=1, le=20_000, description="rows a table shows; the rest is in the CSV it names"
    )
    densities: int = Field(4, ge=1, le=12, description="held-out crystals whose density is shown")
    latent: int = Field(
        1000, ge=0, le=20_000, description="crystals in the map of the latent space; 0 = no map"
    )
    interpolations: int = Field(
        10, ge=0, le=50, description="rows of densities from one held-out crystal to another; 0 = none"
    )
    figures: bool = Field(True, description="write the page's figures as PNG and SVG, too, to out/figures")

    @field_validator("out")
    @classmethod
    def _is_folder(cls, out: Path) -> Path:
        if out.suffix in {".html", ".htm"}:
            raise ValueError(f"out is a folder, the page is out/report.html: write out={out.parent}")
        return out
