"""Logistic loss of two classes, on one output: the log-odds of the second class."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamrnn._registry import plugin
from streamrnn.losses.protocol import decode, slope, value


@plugin(
    name="logistic",
    task="classification",
)
class Logistic(NamedTuple):
    """Logistic loss ln(1 + exp(z)) - y z, in nats, for two classes y = 0 and y = 1."""

    def n_outputs(self, targets: int) -> int:
        """Return 1: the log-odds. Raise ValueError for more than two classes."""
        if targets > 2:
            raise ValueError(
                f"loss='logistic' tells two classes apart, but {targets} labels were seen; "
                "use loss='cross_entropy'"
            )
        return 1


@decode.register(Logistic)
def _(loss, z, out):
    odds = math.exp(-abs(np.float64(z[0])))
    p = 1.0 / (1.0 + odds)
    p = p if z[0] >= 0 else odds / (1.0 + odds)
    out[0] = 1.0 - p
    out[1] = p


@value.register(Logistic)
def _(loss, z, target):
    output = np.float64(z[0])
    return max(output, 0.0) + math.log1p(math.exp(-abs(output))) - np.float64(target[0]) * output


@slope.register(Logistic)
def _(loss, z, target, d_z):
    output = np.float64(z[0])
    odds = math.exp(-abs(output))
    p = 1.0 / (1.0 + odds) if output >= 0.0 else odds / (1.0 + odds)
    d_z[0] = p - np.float64(target[0])
