"""What ``generate`` says of the samples it drew: ``summary.json``."""

from hpcvox.files.summary import OrAbsent, Summary


class GenerateSummary(Summary):
    """Counts and rates over all samples that were drawn; nothing is skipped."""

    samples: int
    placed: int
    valid: int
    valid_rate: float
    valid_and_charge_balanced: int
    valid_and_novel: int
    formulas: int
    """Different ones of the valid."""
    failures: dict[str, int]
    valid_rate_by_decile: dict[str, float]
    condition: str | None
    """The target whose deciles were asked for; None: the VAE has no condition."""
    edges: list[float]
    base: OrAbsent[str] = None
    towards: OrAbsent[str] = None
    prior: OrAbsent[str] = None
    """What latent points were drawn from, where it is not N(0, 1)."""
    novelty: str
    """What the valid ones were compared with."""
