"""What the requirements say must happen in a federation of a given shape, apart from the code that makes it happen."""

from __future__ import annotations

from simulator.oracle.certificates import SHAPES, Shape
from simulator.oracle.prediction import ACTIONS, Action, Expected, Prediction, predict
from simulator.oracle.strategies import topologies
from simulator.oracle.topology import NAMES, Names, OwnServer, PartnerPolicy, Route, Srv, Topology

__all__ = [
    "ACTIONS",
    "NAMES",
    "SHAPES",
    "Action",
    "Expected",
    "Names",
    "OwnServer",
    "PartnerPolicy",
    "Prediction",
    "Route",
    "Shape",
    "Srv",
    "Topology",
    "predict",
    "topologies",
]
