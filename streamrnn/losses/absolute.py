"""Absolute error, |z - y|: its minimum is the median."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._registry import plugin
from streamrnn.losses.protocol import LEAST_ERROR, curvature, decode, identity, slope, value


@plugin(
    name="absolute",
    task="regression",
    is_centred=True,
)
class Absolute(NamedTuple):
    """Absolute error |z - y|; its slope is the sign of the error, 0 at 0."""

    def n_outputs(self, targets: int) -> int:
        """Return one output a target."""
        return targets


decode.register(Absolute)(identity)


@value.register(Absolute)
def _(loss, z, target):
    total = 0.0
    for k in range(z.size):
        total += abs(np.float64(z[k]) - np.float64(target[k]))
    return total


@slope.register(Absolute)
def _(loss, z, target, d_z):
    for k in range(z.size):
        d_z[k] = np.sign(z[k] - target[k])


@curvature.register(Absolute)
def _(loss, z, target):
    total = known = 0.0
    for k in range(z.size):
        error = abs(np.float64(z[k]) - np.float64(target[k]))
        if error == error:
            total += 1.0 / max(error, LEAST_ERROR)
            known += 1.0
    return total / max(known, 1.0)
