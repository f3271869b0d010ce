"""Settings of ``generate`` and ``judge``, and those that other verbs share with them."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import FORM, Form
from hpcvox.errors import ConfigError
from hpcvox.inputs import Input
from hpcvox.training.folder.shipped import UNETS, VAES

Reason = Literal["element", "too-near", "too-dense", "too-empty", "charges"]
"""Why a valid candidate is not plausible."""


_GENERATED = Input("`hpcvox generate` makes it")


class PlacementSettings(Settings):
    """How decoded voxels become atoms."""

    mask_threshold: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="least probability of an occupied voxel; null: 0.5, or 0.8 of a UNet's mask",
    )
    drop_voxels: int = Field(
        3,
        ge=0,
        description="isolated regions of at most so many voxels go, unless the density has a maximum there",
    )
    drop_volume: float | None = Field(
        None,
        ge=0,
        description="Å³ that isolated regions may have as well and go; null: 0.03, or 0 of a UNet's mask",
    )
    max_sites: int = Field(64, ge=1, le=500, description="a map with more sites is rejected as noise")

    def rules(self, by_unet: bool) -> "PlacementRules":
        """These settings for the masks of a UNet, or of a decoder that tells itself which voxels are occupied."""
        threshold, volume = (0.8, 0.0) if by_unet else (0.5, 0.03)
        return PlacementRules(
            threshold if self.mask_threshold is None else self.mask_threshold,
            self.drop_voxels,
            volume if self.drop_volume is None else self.drop_volume,
            self.max_sites,
        )


class PlacementRules(NamedTuple):
    """How voxels become atoms, with nothing left open: see :class:`PlacementSettings`."""

    mask_threshold: float
    drop_voxels: int
    drop_volume: float
    max_sites: int


class NetworkSettings(Settings):
    """Which networks, and on how much of the machine."""

    vae: Annotated[Path, VAES] = Field(
        Path("runs/vae"), description="run folder of the VAE (see: hpcvox train-vae)"
    )
    unet: Annotated[Path | None, UNETS] = Field(
        None,
        description="run folder of a UNet that names the elements of what the VAE decodes (see: hpcvox "
        "train-unet), trained on the same shard set; null: the VAE's own decoder does",
    )
    threads: int = Field(0, ge=0, description="CPU threads; 0: all CPUs at hand")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N")


class GenerateSettings(NetworkSettings):
    """hpcvox generate: points of the latent space, random, around a crystal or between two → crystals.

    Crystals are written as CIFs and a table.

    Examples:
      hpcvox generate configs/generate.yaml seed=1
    """

    out: Path = Field(Path("runs/generated"), description="folder for cifs/, candidates.csv and summary.json")
    per_condition: int = Field(100, ge=1, description="samples for each decile of the condition")
    conditions: list[int] | None = Field(
        None, description="deciles to sample, 0 = lowest, as [0, 1, 2]; null: all, or the base's own"
    )
    prior: Literal["auto", "flow", "fitted", "normal"] = Field(
        "auto",
        description="what latent points are drawn from: flow, which has learnt where the training samples lie; "
        "fitted, a Gaussian for each decile, as its training samples lie there; normal, N(0, 1), as "
        "in the paper; auto, the first of these that the VAE has (docs/generate.md)",
    )
    sigma: float = Field(
        1.0,
        gt=0,
        description="standard deviations of the prior that latent points are off its mean, or off the base's "
        "point (Court et al.: 0.5): of each dimension with prior=normal, along all directions in "
        "which the decile's crystals vary with fitted",
    )
    base: str | None = Field(
        None,
        description="crystal to sample around: a structure file, or an id of the shard set of the training, which is "
        "sampled in its own decile; null: none",
    )
    towards: str | None = Field(
        None,
        description="a second crystal: per_condition samples at equal steps on the line from base to it; null: none",
    )
    seed: int = Field(
        0, ge=0, description="of the latent points; a sample depends on its own number, its decile and this"
    )
    placement: PlacementSettings = Field(
        default_factory=PlacementSettings, description="how voxels become atoms"
    )
    slices: int = Field(1, ge=0, description="decoded densities kept for each decile, for the report")
    crystals: Form = Field("folder", description=FORM)

    @model_validator(mode="after")
    def _a_line_has_two_ends(self) -> "GenerateSettings":
        if self.towards is not None and (self.base is None or self.per_condition < 2):
            raise ConfigError(
                "towards: samples lie on the line from base to it: give base too, and at least 2 per_condition"
            )
        return self

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


class JudgeSettings(Settings):
    """hpcvox judge: which candidates are valid, plausible, distinct and new (the funnel of Court et al. 2020, Table 2).

    Of every one that is lost it tells at which stage, why, and what it is the same as.

    Examples:
      hpcvox judge generated=runs/generated known=[my_crystals.csv]
    """

    generated: Annotated[Path, _GENERATED] = Field(
        Path("runs/generated"), description="run folder of hpcvox generate"
    )
    known: Annotated[list[Path], Input()] = Field(
        default_factory=list,
        description="sources of known crystals, as featurize reads them, beside the training set: [a.csv, b/]",
    )
    implausible: list[Reason] = Field(
        ["element", "too-near", "too-dense", "too-empty"],
        description="why a valid candidate is lost as not plausible: element (an element by itself), too-near "
        "(atoms, for their elements), too-dense, too-empty, charges (that do not balance); what is "
        "not named is a remark in judged.csv; []: none is lost for any (docs/judge.md has the limits)",
    )
    anonymous_formula: str | None = Field(
        None,
        pattern=r"^([A-Z]\d*)+$",
        description="candidates of others are lost, such as ABC3; null: that of the base, where the run has one",
    )
    symprec: float = Field(
        0.1, gt=0, description="Å that sites and cell may be off the symmetry that symmetrised/ has exactly"
    )
    reference: Annotated[Path | None, Input()] = Field(
        None,
        description="source of held-out crystals, as featurize reads them: tells how valid all candidates are and "
        "how far they and the reference cover each other, as generators are compared (COV-R and COV-P "
        'of CDVAE, docs/judge.md); takes the extra metrics (HPCVOX_EXTRAS="chgnet metrics" make '
        "setup); null: not",
    )
    structure_cutoff: float = Field(
        0.2,
        gt=0,
        description="of COV, between fingerprints of structures: Perov-5 and Carbon-24 0.2, MP-20 0.4",
    )
    composition_cutoff: float = Field(
        4.0,
        gt=0,
        description="of COV, between fingerprints of compositions: Perov-5 and Carbon-24 4, MP-20 10",
    )
    actors: int = Field(
        0,
        ge=0,
        description="processes that make fingerprints; 0: one a CPU (of the allocation, of the Ray cluster)",
    )
    crystals: Form = Field("folder", description=FORM + "; symmetrised/ likewise")
    out: Path = Field(
        Path("runs/judged"),
        description="folder for judged.csv, cifs/ (as they were generated), symmetrised/ (the same, with exactly "
        "the symmetry that they have nearly), summary.json and, with a reference, benchmark.csv",
    )
