"""The crystal graph network CGCNN (Xie and Grossman 2018) as Court et al. 2020 use it: it predicts a number.

Tensor names end in their axes: B crystals, k sites of all of them, N neighbours a site, A features of a site,
G Gaussians of a distance.

Xie and Grossman describe an element by 92 fixed numbers: binned properties of the free element.  Here an element is a
one-hot vector of its atomic number, so that the first dense layer is a table of learned features for each element.
This needs no external table and works for all elements.  There are enough formation energies to learn these features,
and the networks of other properties start from that network.  The drawback: an element that no training crystal has
keeps its random features, where tabulated properties would have given a hint.
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from hpcvox.networks.cgcnn.settings import CGCNNSettings
from hpcvox.networks.layers import embedding

ELEMENTS = 119
"""Rows of the table of elements: atomic numbers 0 (none) to 118."""

VANISHED = 50.0
"""The exponent of a Gaussian is cut off here, where it is 2e-22.  Smaller values would be subnormal numbers, with which
exp and the product with the weights take 15 to 30 times as long."""


class RowNorm(nn.BatchNorm1d):
    """BatchNorm of rows, (R, C).  A single row has no variance; it is normalised by the running statistics."""

    def forward(self, x_RC: torch.Tensor) -> torch.Tensor:
        if len(x_RC) > 1 or not self.training:
            return super().forward(x_RC)
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1  # the same on all ranks, whatever rows they have
        return functional.batch_norm(
            x_RC, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class Convolution(nn.Module):
    """v_i + Σ_j σ(z_ij W_f + b_f) ⊙ g(z_ij W_s + b_s), z_ij = v_i ⊕ v_j ⊕ u_ij (Xie and Grossman's eq. 5).

    g is the softplus.  As in the authors' code, the inputs of σ and g and the sum are normalised over the batch, and g
    is applied to the result.  z_ij is never concatenated: each of its three parts has its own columns of W.  Those of
    the sites are multiplied once for each site, not for each edge, which takes a quarter of the work.
    """

    def __init__(self, atom_features: int, gaussians: int) -> None:
        super().__init__()
        self.parts = [atom_features, atom_features, gaussians]
        self.dense = nn.Linear(sum(self.parts), 2 * atom_features)
        self.edge_norm = RowNorm(2 * atom_features)
        self.site_norm = RowNorm(atom_features)

    def forward(
        self, sites_kA: torch.Tensor, neighbours_kN: torch.Tensor, bonds_kNG: torch.Tensor
    ) -> torch.Tensor:
        """The new features of the sites, (k, A)."""
        own, other, bond = torch.split(self.dense.weight, self.parts, dim=1)
        z_kNA = functional.linear(bonds_kNG, bond)
        z_kNA = z_kNA + functional.linear(sites_kA, own, self.dense.bias)[:, None]
        # a gather: its gradient is summed in a fixed order, and is faster than the gradient of indexing
        z_kNA = z_kNA + functional.embedding(neighbours_kN, functional.linear(sites_kA, other))
        gate, core = self.edge_norm(z_kNA.flatten(0, 1)).chunk(2, dim=1)
        messages = (torch.sigmoid(gate) * functional.softplus(core)).view(*neighbours_kN.shape, -1).sum(1)
        return functional.softplus(sites_kA + self.site_norm(messages))


class CGCNN(nn.Module):
    """Elements → features of sites → convolutions → mean over a crystal's sites → dense layers → one number."""

    centres: torch.Tensor

    def __init__(self, settings: CGCNNSettings) -> None:
        super().__init__()
        self.settings = settings
        gaussians = round(settings.radius / settings.step) + 1
        # NumPy: on the meta device, where shapes are compared with cards, a product would load a compiler for 1 s
        centres = np.float32(settings.step) * np.arange(gaussians, dtype=np.float32)
        self.register_buffer("centres", torch.from_numpy(centres), persistent=False)
        self.embedding = embedding(ELEMENTS, settings.atom_features)
        self.convolutions = nn.ModuleList(
            Convolution(settings.atom_features, gaussians) for _ in range(settings.convolutions)
        )
        self.head = nn.Sequential(
            nn.Linear(settings.atom_features, settings.hidden), nn.Softplus(), nn.Linear(settings.hidden, 1)
        )

    def forward(
        self,
        numbers_k: torch.Tensor,
        neighbours_kN: torch.Tensor,
        distances_kN: torch.Tensor,
        sites_B: torch.Tensor,
        weights_k1: torch.Tensor,
    ) -> torch.Tensor:
        """One number for each crystal, (B,).

        Args:
            numbers_k: atomic numbers of the sites, crystal by crystal, int64.
            neighbours_kN: row of the site at the end of each edge, int64.
            distances_kN: length of each edge in Å.
            sites_B: how many sites each crystal has, int64, at least one.
            weights_k1: weights of the sites in the mean over their crystal; they add up to 1 for each crystal.
        """
        exponent_kNG = ((distances_kN[..., None] - self.centres) / self.settings.width).square()
        bonds_kNG = torch.exp(-exponent_kNG.clamp_max(VANISHED))
        sites_kA = self.embedding(numbers_k)
        for convolution in self.convolutions:
            sites_kA = convolution(sites_kA, neighbours_kN, bonds_kNG)
        crystals_BA = torch.segment_reduce(weights_k1 * sites_kA, "sum", lengths=sites_B)
        values_B: torch.Tensor = self.head(crystals_BA).squeeze(1)
        return values_B

    def features(self) -> dict[str, Any]:
        """The weights without those of the head; the network of another property can start from them."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("head.")}
