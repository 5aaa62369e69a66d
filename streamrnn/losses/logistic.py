"""Logistic loss of two classes, on one output: the log-odds of the second class."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn._registry import plugin
from streamrnn.losses.protocol import curvature, decode, slope, value


@glue
def probability(log_odds: float) -> float:
    """Return the probability that has these log-odds."""
    output = np.float64(log_odds)
    odds = math.exp(-abs(output))
    p = 1.0 / (1.0 + odds)
    return p if output >= 0.0 else odds / (1.0 + odds)


@glue
def spread(p: float) -> float:
    """Return the variance of what has probability `p`, at least that of 0.02.

    It is the curvature of the log loss, which vanishes where a classifier is sure: a Newton step
    from a sure mistake would go too far.
    """
    return max(p * (1.0 - p), 0.0196)


@glue
def log_loss(log_odds: float, target: float) -> float:
    """Return -ln of the probability of a target of 0 or 1."""
    output = np.float64(log_odds)
    log_sum = max(output, 0.0) + math.log1p(math.exp(-abs(output)))
    return log_sum - np.float64(target) * output


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
    p = probability(z[0])
    out[0] = 1.0 - p
    out[1] = p


@value.register(Logistic)
def _(loss, z, target):
    return log_loss(z[0], target[0])


@slope.register(Logistic)
def _(loss, z, target, d_z):
    d_z[0] = probability(z[0]) - np.float64(target[0])


@curvature.register(Logistic)
def _(loss, z, target):
    return spread(probability(z[0]))
