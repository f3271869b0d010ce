"""Settings of ``hpcvox generate`` and ``hpcvox judge``, some of which other verbs use, too."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from hpcvox.config import Overwrite, Settings
from hpcvox.crystals.sources.cif_set import FORM, Form
from hpcvox.errors import ConfigError
from hpcvox.inputs import Input
from hpcvox.training.folder.shipped import trained_by

Reason = Literal["element", "too-near", "too-dense", "too-empty", "charges"]
"""The reasons for which a valid candidate is not plausible."""


_GENERATED = Input("`hpcvox generate` makes it")


class PlacementSettings(Settings):
    """How decoded voxels are turned into atoms."""

    mask_threshold: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="a voxel counts as occupied from this probability on; null: 0.5, or 0.8 if a UNet predicts it",
    )
    drop_voxels: int = Field(
        3,
        ge=0,
        description="remove isolated regions of at most this many voxels, unless the density has a maximum there",
    )
    drop_volume: float | None = Field(
        None,
        ge=0,
        description="Å³; remove isolated regions of at most this volume, too, unless the density has a maximum there; "
        "null: 0.03, or 0 if a UNet predicts the mask",
    )
    max_sites: int = Field(64, ge=1, le=500, description="a map with more sites is rejected as noise")

    def rules(self, by_unet: bool) -> "PlacementRules":
        """These settings with a number for each null; ``by_unet``: a UNet predicts the mask, not the decoder."""
        threshold, volume = (0.8, 0.0) if by_unet else (0.5, 0.03)
        return PlacementRules(
            threshold if self.mask_threshold is None else self.mask_threshold,
            self.drop_voxels,
            volume if self.drop_volume is None else self.drop_volume,
            self.max_sites,
        )


class PlacementRules(NamedTuple):
    """:class:`PlacementSettings` with a number for every setting."""

    mask_threshold: float
    drop_voxels: int
    drop_volume: float
    max_sites: int


class NetworkSettings(Settings):
    """Which networks to use, and which part of the machine."""

    vae: Annotated[Path, trained_by("train-vae")] = Field(
        Path("runs/vae"), description="run folder of the VAE (see: hpcvox train-vae)"
    )
    unet: Annotated[Path | None, trained_by("train-unet", comes=False)] = Field(
        None,
        description="run folder of a UNet that names the elements in the decoded maps (see: hpcvox train-unet), "
        "trained on the same shard set; null: the VAE's own decoder names them",
    )
    threads: int = Field(0, ge=0, description="CPU threads; 0: all CPUs of this process")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:N")


class GenerateSettings(NetworkSettings):
    """hpcvox generate: points of the latent space → crystals; points are random, around a crystal, or between two.

    Writes the crystals as CIFs and a table.

    Examples:
      hpcvox generate configs/generate.yaml seed=1
    """

    out: Path = Field(Path("runs/generated"), description="folder for cifs/, candidates.csv and summary.json")
    overwrite: Overwrite = False
    per_condition: int = Field(100, ge=1, description="samples for each decile of the condition")
    conditions: list[int] | None = Field(
        None,
        description="deciles to sample, as [0, 1, 2], 0 = lowest; null: all, or with base the decile of that",
    )
    prior: Literal["auto", "flow", "fitted", "normal"] = Field(
        "auto",
        description="distribution of the latent points: flow, a network that has learnt where the training samples "
        "lie; fitted, a Gaussian for each decile, fitted to its training samples; normal, N(0, 1), as "
        "in the paper; auto, the first of these that the VAE has (docs/generate.md)",
    )
    sigma: float = Field(
        1.0,
        gt=0,
        description="scale of the random part of latent points, in standard deviations of the prior (Court et al., "
        "around a base: 0.5); with prior=normal these are 1 in each dimension, with fitted they follow the directions "
        "in which the decile's crystals vary",
    )
    base: str | None = Field(
        None,
        description="sample around this crystal: a structure file, or an id of the training's shard set (sampled in "
        "its own decile unless conditions says another); null: none",
    )
    towards: str | None = Field(
        None,
        description="a second crystal: per_condition samples at equal steps on the line from base to it; null: none",
    )
    seed: int = Field(
        0,
        ge=0,
        description="seed of the latent points; a sample depends only on its number, its decile and the seed",
    )
    placement: PlacementSettings = Field(
        default_factory=PlacementSettings, description="how voxels are turned into atoms"
    )
    slices: int = Field(1, ge=0, description="decoded densities to keep for each decile, for the report")
    crystals: Form = Field("folder", description=FORM)

    makes = ("cifs", "cifs.zip", "candidates.csv", "summary.json", "densities.npz", "parts")

    def may_change(self) -> frozenset[str]:
        """See :class:`hpcvox.config.Settings`: a sample depends on its own number, decile and seed alone."""
        drawn = () if self.towards is not None else ("per_condition",)
        return frozenset({*drawn, "conditions", "threads", "slices", "crystals"})

    @model_validator(mode="after")
    def _a_line_has_two_ends(self) -> "GenerateSettings":
        if self.towards is not None and (self.base is None or self.per_condition < 2):
            raise ConfigError(
                "towards: samples lie on the line from base to it: give base too, and per_condition of at least 2"
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

    The table says for every candidate that is lost at which stage, why, and which crystal it is the same as.

    Examples:
      hpcvox judge generated=runs/generated known=[my_crystals.csv]
    """

    generated: Annotated[Path, _GENERATED] = Field(
        Path("runs/generated"), description="run folder of hpcvox generate"
    )
    known: Annotated[list[Path], Input()] = Field(
        default_factory=list,
        description="sources of known crystals in addition to the training set, as featurize reads them: [a.csv, b/]",
    )
    implausible: list[Reason] = Field(
        ["element", "too-near", "too-dense", "too-empty"],
        description="reasons to reject a valid candidate as implausible: element (only one element), too-near (atoms "
        "too near for their elements), too-dense, too-empty, charges (they do not balance); a reason that is "
        "not listed here is only a remark in judged.csv; []: reject none (docs/judge.md has the limits)",
    )
    anonymous_formula: str | None = Field(
        None,
        pattern=r"^([A-Z]\d*)+$",
        description="keep only candidates of this anonymous formula, such as ABC3; null: that of the base, if the run "
        "has one",
    )
    symprec: float = Field(
        0.1, gt=0, description="Å; tolerance for the symmetry that the crystals in symmetrised/ have exactly"
    )
    reference: Annotated[Path | None, Input()] = Field(
        None,
        description="source of held-out crystals, as featurize reads them: computes the share of valid candidates and "
        "how well candidates and reference cover each other, the usual metrics of generators (COV-R and COV-P "
        'of CDVAE, docs/judge.md); needs the extra metrics (HPCVOX_EXTRAS="chgnet metrics" make '
        "setup); null: compute none",
    )
    structure_cutoff: float = Field(
        0.2,
        gt=0,
        description="cutoff of COV for the distance of two structures' fingerprints: Perov-5 and Carbon-24 0.2, MP-20 "
        "0.4",
    )
    composition_cutoff: float = Field(
        4.0,
        gt=0,
        description="cutoff of COV for the distance of two compositions' fingerprints: Perov-5 and Carbon-24 4, MP-20 "
        "10",
    )
    actors: int = Field(
        0,
        ge=0,
        description="processes that judge, if there are more than 1,000 candidates, and that compute fingerprints; 0: "
        "one for each CPU (of the allocation or the Ray cluster)",
    )
    crystals: Form = Field("folder", description=FORM + "; symmetrised/ likewise")
    out: Path = Field(
        Path("runs/judged"),
        description="folder for judged.csv, cifs/ (the crystals as generated), symmetrised/ (the same crystals, made "
        "exactly symmetric), summary.json and, with a reference, benchmark.csv",
    )
    overwrite: Overwrite = False

    makes = (
        "judged.csv", "cifs", "cifs.zip", "symmetrised", "symmetrised.zip", "summary.json", "benchmark.csv",
        "rejects.csv",
    )  # fmt: skip

    def may_change(self) -> frozenset[str]:
        """See :class:`hpcvox.config.Settings`: all candidates are judged each time, and what changed is told."""
        return frozenset(type(self).model_fields) - {"generated"}
