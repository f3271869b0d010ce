"""CGCNN: graph of a crystal → a property (Xie and Grossman 2018)."""

from typing import Final

from hpcvox.training.network import Network

NETWORK: Final = Network(
    name="cgcnn",
    help="graph of a crystal → a property",
    settings="hpcvox.networks.cgcnn.settings:TrainCGCNNSettings",
    recipe="hpcvox.networks.cgcnn.task:RECIPE",
    build="hpcvox.networks.cgcnn.at_work:build",
    card="hpcvox.networks.cgcnn.card:CGCNNCard",
    check="hpcvox.networks.cgcnn.samples:check",
    descriptor="graph",
    leaves=("held_out.csv",),
)
