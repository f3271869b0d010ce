"""Predicts a property of crystals from their graphs with a trained CGCNN, in the unit of its target."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.networks.cgcnn.card import CGCNNCard
from hpcvox.networks.cgcnn.graphs import Graphs
from hpcvox.networks.cgcnn.model import CGCNN
from hpcvox.training.folder import runs

TASK: Final = "cgcnn"


class Property:
    """A trained CGCNN, read from ``folder``, a run folder of ``hpcvox train-cgcnn``.

    Raises:
        CheckpointError: there is no trained CGCNN in ``folder``.
    """

    def __init__(self, folder: Path) -> None:
        model, self.card = runs.load_model(folder, CGCNNCard)
        assert isinstance(model, CGCNN)
        self.folder, self._model = folder, model
        self.target = self.card.target
        self.log = self.card.log
        self.neighbours = self.card.neighbours
        self._known = torch.tensor(self.card.elements)
        self.elements = frozenset(SYMBOLS[number] for number in self.card.elements)
        """Symbols of the elements in the crystals that it was trained on."""

    def __call__(self, graphs: Graphs) -> NDArray[np.float64]:
        """Predict the property of every crystal, (B,), in the unit of the target.

        A crystal with an element that no crystal of the training had gets NaN.
        """
        with torch.no_grad():
            value = self._model(*graphs).double()
            strange = (~torch.isin(graphs.numbers, self._known)).double()
            value[torch.segment_reduce(strange, "max", lengths=graphs.sites) > 0] = torch.nan
            scaled: NDArray[np.float64] = (value * self.card.std + self.card.mean).numpy()
        with np.errstate(
            over="ignore"
        ):  # a crystal unlike all others may give infinity, which the caller judges
            return 10**scaled if self.log else scaled


def build(card: CGCNNCard) -> CGCNN:
    """Build the network that a card describes; the caller loads its weights."""
    return CGCNN(card.model)
