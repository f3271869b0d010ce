"""The prior of a trained VAE as a flow, which maps noise to latent points like those of the training samples.

The crystals of a condition do not form one Gaussian cloud.  If points are drawn from such a cloud
(:mod:`hpcvox.networks.vae.prior`), every fourth lies between several groups of crystals and gives no crystal.  The flow
learns their aggregated posterior instead: the mean over the training samples x of N(μ(x), σ²(x)).  It learns by flow
matching: on the straight line from noise to a point, the velocity is the difference of the two.  The network is small
(0.6 M weights) and learns in a minute.
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
"""Least number of training samples for a flow; with fewer, a flow only reproduces these samples."""

_BATCH: Final = 256
_RATE: Final = 1e-3
_DECAY: Final = 0.995
"""Decay of the running mean of the weights, which is the result."""


class Found(NamedTuple):
    """The flow of a run folder."""

    flow: Flow
    checksum: str
    """Checksum of its weights."""


def fit(
    posterior: Posterior,
    bins_N: NDArray[np.int64],
    conditions: int,
    steps: int,
    seed: int,
    stop: StopRequest,
) -> Flow | None:
    """Learn the flow to N posteriors; the same seed gives the same bits.

    Args:
        posterior: means and log-variances of the N training samples.
        bins_N: condition of each sample, 0 to ``conditions`` - 1.
        conditions: number of conditions.
        steps: steps of the optimizer.
        seed: decides the initial weights and all random draws.
        stop: a request to stop ends the training.

    Returns:
        None if ``stop`` has ended the training.
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
    """Save a flow beside the model in ``folder``; ``of`` is the checksum of that model's weights."""
    beside.write(folder / FLOW, save(flow.state_dict()), BesideCard(of=of))


def remove(folder: Path) -> None:
    """Remove the flow beside the model in ``folder``, if there is one."""
    (folder / FLOW).unlink(missing_ok=True)


def read(folder: Path, card: VAECard) -> Found | None:
    """Read the flow of the VAE in ``folder``, whose card is ``card``; None if there is none for these weights.

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
