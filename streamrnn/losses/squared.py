"""Squared error, (z - y)²: its minimum is the mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._registry import plugin
from streamrnn.losses.protocol import curvature, decode, identity, slope, value


@plugin(
    name="squared",
    task="regression",
    is_centred=True,
)
class Squared(NamedTuple):
    """Squared error (z - y)², with slope 2 (z - y) as in River and PyTorch."""

    def n_outputs(self, targets: int) -> int:
        """Return one output a target."""
        return targets


decode.register(Squared)(identity)


@value.register(Squared)
def _(loss, z, target):
    total = 0.0
    for k in range(z.size):
        error = np.float64(z[k]) - np.float64(target[k])
        total += error * error
    return total


@slope.register(Squared)
def _(loss, z, target, d_z):
    for k in range(z.size):
        error = z[k] - target[k]
        d_z[k] = error + error


@curvature.register(Squared)
def _(loss, z, target):
    return 2.0
