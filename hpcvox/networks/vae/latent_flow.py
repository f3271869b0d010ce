"""The prior of a trained VAE as a flow: noise becomes latent points as the training's samples have them.

A condition's crystals do not lie in one Gaussian cloud: of points of such a cloud (:mod:`hpcvox.networks.vae.prior`)
every fourth is between several, and of no crystal.  The flow learns their aggregated posterior, the mean over the
training samples x of N(μ(x), σ²(x)), by flow matching: on the straight way from noise to a point, the velocity is
their difference.  It is small (0.6 M weights) and learns in a minute.
"""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save

from hpcvox.errors import CheckpointError
from hpcvox.networks.vae.card import FLOW, VAECard
from hpcvox.networks.vae.flow import Flow
from hpcvox.networks.vae.posterior import Posterior, one_thread
from hpcvox.process.interrupt import StopRequest
from hpcvox.progress import Progress
from hpcvox.training.folder import beside
from hpcvox.training.folder.beside import BesideCard
from hpcvox.training.folder.shipped import located

FEWEST: Final = 400
"""Training samples from which on a flow is learnt; one of fewer gives them back as they are."""

_BATCH: Final = 256
_RATE: Final = 1e-3
_DECAY: Final = 0.995
"""Of the mean of the weights that is kept."""


class Found(NamedTuple):
    """The flow of a run folder."""

    flow: Flow
    checksum: str
    """Of its weights."""


def fit(
    posterior: Posterior,
    bins_N: NDArray[np.int64],
    conditions: int,
    steps: int,
    seed: int,
    stop: StopRequest,
) -> Flow | None:
    """The flow to N posteriors, the same bits for the same seed; None where ``stop`` has come.

    Args:
        bins_N: condition of each sample, 0 to ``conditions`` - 1.
    """
    means, spreads = (
        torch.from_numpy(posterior.mean),
        torch.exp(0.5 * torch.from_numpy(posterior.log_variance)),
    )
    bins, random = torch.from_numpy(bins_N), torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]), one_thread(), Progress("flow", steps, "steps") as bar:
        torch.manual_seed(seed)
        flow, kept = Flow(means.shape[1], conditions), Flow(means.shape[1], conditions)
        centre = means.mean(0)
        span = torch.sqrt(means.var(0, correction=0) + spreads.square().mean(0))
        for each in (flow, kept):
            each.centre.copy_(centre)
            each.span.copy_(span)
        kept.load_state_dict(flow.state_dict())
        optimizer = torch.optim.Adam(flow.parameters(), _RATE)
        for step in range(steps):
            if stop.received:
                return None
            for group in optimizer.param_groups:
                group["lr"] = 0.5 * _RATE * (1 + np.cos(np.pi * step / steps))
            row = torch.randint(len(means), (_BATCH,), generator=random)
            noise, own = (torch.randn(_BATCH, means.shape[1], generator=random) for _ in range(2))
            point = (means[row] + spreads[row] * own - centre) / span
            time = torch.rand(_BATCH, 1, generator=random)
            velocity = flow((1 - time) * noise + time * point, time, bins[row])
            loss = (velocity - (point - noise)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for mean, value in zip(kept.parameters(), flow.parameters(), strict=True):
                    mean.lerp_(value, 1 - _DECAY)
            bar.advance(1)
    return kept.eval().requires_grad_(False)


def write(folder: Path, flow: Flow, of: str) -> None:
    """Keep a flow beside the model of ``folder``, whose weights have the checksum ``of``."""
    beside.write(folder / FLOW, save(flow.state_dict()), BesideCard(of=of))


def remove(folder: Path) -> None:
    """The model of ``folder`` has no flow."""
    (folder / FLOW).unlink(missing_ok=True)


def read(folder: Path, card: VAECard) -> Found | None:
    """The flow of the VAE in ``folder`` that has this card; None where there is none of these weights.

    Raises:
        CheckpointError: the file is damaged, or holds no flow of this network.
    """
    flow = Flow(card.model.latent, card.conditions)
    try:
        found = beside.read(folder, FLOW, BesideCard, card.checksum)
        if found is None:
            return None
        weights = load(found.data)
        if not all(torch.isfinite(weight).all() for weight in weights.values()):
            raise ValueError("it has a weight that is not finite")
        flow.load_state_dict(weights)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        why = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())[:200]
        raise CheckpointError(
            f"{located(folder) / FLOW} is no flow of this VAE: {why}. Take prior=fitted, or train the VAE again"
        ) from None
    return Found(flow.eval().requires_grad_(False), found.card.checksum)
