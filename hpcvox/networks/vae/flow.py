"""The network that moves noise to latent points of crystals (flow matching: Lipman et al. 2023; Liu et al. 2023).

Tensor names end in their axes: B batch, L latent.
"""

import numpy as np
import torch
from torch import nn

from hpcvox.networks.layers import embedding

WIDTH, BLOCKS = 256, 4
CONDITION = 32
"""Width of the embedding of the condition."""
WAVES = 16
"""Frequencies at which the time enters, as sines and cosines."""


class Flow(nn.Module):
    """Predicts the velocity of a point that is noise of N(0, 1) at time 0 and a latent point at time 1.

    Args:
        latent: L, dimensions of the latent space.
        conditions: number of conditions.
    """

    centre: torch.Tensor
    span: torch.Tensor
    waves: torch.Tensor

    def __init__(self, latent: int, conditions: int) -> None:
        super().__init__()
        self.condition = embedding(conditions, CONDITION)
        self.first = nn.Linear(latent + CONDITION + 1 + 2 * WAVES, WIDTH)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH))
            for _ in range(BLOCKS)
        )
        self.last = nn.Linear(WIDTH, latent)
        self.register_buffer("centre", torch.zeros(latent))
        self.register_buffer("span", torch.ones(latent))
        waves = np.pi * np.arange(1, WAVES + 1, dtype=np.float32)
        self.register_buffer("waves", torch.from_numpy(waves), persistent=False)

    def forward(self, x_BL: torch.Tensor, time_B1: torch.Tensor, condition_B: torch.Tensor) -> torch.Tensor:
        """The velocities, (B, L), of points in units of ``span`` around ``centre``."""
        waves = time_B1 * self.waves
        seen = (x_BL, self.condition(condition_B), time_B1, torch.sin(waves), torch.cos(waves))
        hidden = self.first(torch.cat(seen, dim=1))
        for block in self.blocks:
            hidden = hidden + block(hidden)
        velocity: torch.Tensor = self.last(hidden)
        return velocity

    def transport(self, noise_BL: torch.Tensor, condition_B: torch.Tensor, steps: int = 25) -> torch.Tensor:
        """Integrate the velocity from noise, (B, L), to latent points, (B, L), by Heun's method."""
        x = noise_BL
        for step in range(steps):
            time = torch.full((len(x), 1), step / steps, device=x.device)
            first = self(x, time, condition_B)
            second = self(x + first / steps, time + 1 / steps, condition_B)
            x = x + (first + second) / (2 * steps)
        return x * self.span + self.centre
