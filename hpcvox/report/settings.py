"""Settings of ``hpcvox report``: which folders it shows and where it writes."""

from pathlib import Path
from typing import Final

from pydantic import Field, field_validator

from hpcvox.config import Settings
from hpcvox.errors import SourceError


class ReportSettings(Settings):
    """hpcvox report: one HTML file of what was run, the losses, densities before and after, and the generated crystals.

    The file can be opened offline and needs no other files.  If a folder is null or missing, its section says so; if
    the comment says "where there is one", there is no such section.  At least one folder must exist.

    Examples:
      hpcvox report
      hpcvox report vae=runs/my_vae out=runs/my_report
    """

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
    hull: Path | None = Field(Path("runs/hull"), description="folder of `hpcvox hull`, where there is one")
    networks: list[Path] | None = Field(
        None,
        description="run folders of `hpcvox train-cgcnn`, as [runs/cgcnn], whose predictions for held-out crystals are "
        "shown; null: those that predicted the properties in screened",
    )
    timings: Path | None = Field(
        None, description="timings.json of the `hpcvox pipeline` that ran these steps; null: there was none"
    )
    crystals: int = Field(
        60,
        ge=0,
        le=1000,
        description="number of generated crystals that can be turned in 3D, valid ones first (about 5 kB each)",
    )
    downloads: int = Field(
        1000,
        ge=0,
        le=20_000,
        description="number of crystals of a section that can be downloaded from the page, as CIFs, a table and "
        "extended XYZ (about 1 kB each)",
    )
    table_rows: int = Field(
        500, ge=1, le=20_000, description="most rows of a table; the rest is in the CSV that the table names"
    )
    densities: int = Field(
        4,
        ge=1,
        le=12,
        description="number of held-out crystals whose density is shown, true and reconstructed (about 90 kB each)",
    )
    latent: int = Field(
        1000,
        ge=0,
        le=20_000,
        description="number of crystals in the map of the latent space (1,000 take about ten seconds); 0: no map",
    )
    interpolations: int = Field(
        10,
        ge=0,
        le=50,
        description="number of rows of densities between two held-out crystals of one decile (about 20 kB each); 0: "
        "none",
    )
    figures: bool = Field(
        True, description="also write the figures of the page as PNG and SVG, to figures/ beside it"
    )

    @field_validator("out")
    @classmethod
    def _is_folder(cls, out: Path) -> Path:
        if out.suffix in {".html", ".htm"}:
            raise ValueError(f"out is a folder, the page is out/report.html: write out={out.parent}")
        return out


FOLDERS: Final = (
    *("database", "shards", "vae", "generated", "evaluation"),
    *("unet", "finetuned_unet", "judged", "screened", "relaxed", "hull"),
)
"""Settings that name the folder of a step."""


def require_any(settings: ReportSettings) -> None:
    """Raise :class:`SourceError` where not one of the folders is there."""
    named = [getattr(settings, name) for name in FOLDERS]
    paths = [path for path in (*named, *(settings.networks or ())) if path is not None]
    if not any(path.is_dir() and holds_files(path) for path in paths):
        usual = [str(path) for path in named[:5] if path is not None]
        raise SourceError(
            f"there is nothing to report: none of {', '.join(usual) or '(all null)'} is a folder with files; "
            "name at least one of database, shards, vae, generated, evaluation (as database=runs/database)"
        )


def holds_files(folder: Path) -> bool:
    """Whether there is anything in a folder but hidden files."""
    return any(not entry.name.startswith(".") for entry in folder.iterdir())
