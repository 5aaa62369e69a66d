"""Huber's loss: squared near zero, absolute beyond `delta` (Huber 1964)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._registry import plugin
from streamrnn.losses.protocol import curvature, decode, identity, slope, value


@plugin(
    name="huber",
    limits={"delta": (0.0, 1e6)},
    task="regression",
    is_centred=True,
)
class Huber(NamedTuple):
    """Huber's loss of e = z - y: e² / 2 up to delta, delta (abs(e) - delta / 2) beyond.

    Parameters
    ----------
    delta
        Where the loss turns from squared to absolute, in the units the network sees: standard
        deviations of the target unless ``scale_target=False``.
    """

    delta: float = 1.0

    def n_outputs(self, targets: int) -> int:
        """Return one output a target."""
        return targets


decode.register(Huber)(identity)


@value.register(Huber)
def _(loss, z, target):
    total = 0.0
    for k in range(z.size):
        error = abs(np.float64(z[k]) - np.float64(target[k]))
        if error <= loss.delta:
            total += 0.5 * error * error
        else:
            total += loss.delta * (error - 0.5 * loss.delta)
    return total


@slope.register(Huber)
def _(loss, z, target, d_z):
    for k in range(z.size):
        d_z[k] = min(max(z[k] - target[k], -loss.delta), loss.delta)


@curvature.register(Huber)
def _(loss, z, target):
    total = known = 0.0
    for k in range(z.size):
        error = abs(np.float64(z[k]) - np.float64(target[k]))
        if error == error:
            total += 1.0 if error <= loss.delta else loss.delta / error
            known += 1.0
    return total / max(known, 1.0)
