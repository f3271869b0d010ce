"""The file in which ``hpcvox generate`` reports on its samples: ``summary.json``."""

from hpcvox.files.summary import OrAbsent, Summary


class GenerateSummary(Summary):
    """Counts and rates over all samples that were drawn; failures count, too."""

    samples: int
    placed: int
    valid: int
    valid_rate: float
    valid_and_charge_balanced: int
    valid_and_novel: int
    formulas: int
    """How many different formulas the valid candidates have."""
    failures: dict[str, int]
    valid_rate_by_decile: dict[str, float]
    condition: str | None
    """The target that conditions the VAE; None if it has no condition."""
    edges: list[float]
    base: OrAbsent[str] = None
    towards: OrAbsent[str] = None
    prior: OrAbsent[str] = None
    """The distribution of the latent points; None for N(0, 1)."""
    novelty: str
    """The formulas with which those of the valid candidates were compared to find new ones."""
