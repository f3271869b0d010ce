"""What a chart of a report shows, out of plotly's JSON."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def values(given: Any) -> NDArray[Any]:
    """An array of a figure's JSON, which has it as a list or as the base64 of its bytes."""
    if isinstance(given, Mapping):
        return np.frombuffer(base64.b64decode(given["bdata"]), np.dtype(given["dtype"]))
    return np.asarray(given)


def points(trace: dict[str, Any]) -> list[tuple[float, float]]:
    """The points of a trace."""
    return list(zip(values(trace["x"]).tolist(), values(trace["y"]).tolist(), strict=True))
