"""Quantile (pinball) loss: its minimum is the q-quantile (Koenker & Bassett 1978)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._registry import plugin
from streamrnn.losses.protocol import LEAST_ERROR, curvature, decode, identity, slope, value


@plugin(
    name="quantile",
    limits={"q": (0.0, 1.0)},
    task="regression",
)
class Quantile(NamedTuple):
    """Quantile loss: q (y - z) where the target lies above, (1 - q) (z - y) where it lies below.

    Parameters
    ----------
    q
        The quantile, between 0 and 1; 0.5 asks for the median.
    """

    q: float = 0.5

    def n_outputs(self, targets: int) -> int:
        """Return one output a target."""
        return targets


decode.register(Quantile)(identity)


@value.register(Quantile)
def _(loss, z, target):
    total = 0.0
    for k in range(z.size):
        above = np.float64(target[k]) - np.float64(z[k])
        total += max(loss.q * above, (loss.q - 1.0) * above)
    return total


@slope.register(Quantile)
def _(loss, z, target, d_z):
    for k in range(z.size):
        if target[k] > z[k]:
            d_z[k] = -loss.q
        elif target[k] < z[k]:
            d_z[k] = 1.0 - loss.q
        else:
            d_z[k] = 0.0


@curvature.register(Quantile)
def _(loss, z, target):
    total = known = 0.0
    for k in range(z.size):
        error = abs(np.float64(z[k]) - np.float64(target[k]))
        if error == error:
            total += 0.5 / max(error, LEAST_ERROR)
            known += 1.0
    return total / max(known, 1.0)
