"""Cross-entropy of a softmax over any number of classes."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn._registry import plugin
from streamrnn.losses.logistic import spread
from streamrnn.losses.protocol import curvature, decode, slope, value


@plugin(
    name="cross_entropy",
    task="classification",
)
class CrossEntropy(NamedTuple):
    """Cross-entropy -ln softmax(z)[y], in nats; y is the index of the class."""

    def n_outputs(self, targets: int) -> int:
        """Return one output a class."""
        return targets


@glue
def _log_sum_exp(z):
    greatest = np.float64(z[0])
    for k in range(1, z.size):
        greatest = max(greatest, np.float64(z[k]))
    total = 0.0
    for k in range(z.size):
        total += math.exp(np.float64(z[k]) - greatest)
    return greatest + math.log(total)


@decode.register(CrossEntropy)
def _(loss, z, out):
    if z.size > 0:
        normaliser = _log_sum_exp(z)
        for k in range(z.size):
            out[k] = math.exp(np.float64(z[k]) - normaliser)


@value.register(CrossEntropy)
def _(loss, z, target):
    return _log_sum_exp(z) - np.float64(z[int(target[0])])


@slope.register(CrossEntropy)
def _(loss, z, target, d_z):
    normaliser = _log_sum_exp(z)
    for k in range(z.size):
        d_z[k] = math.exp(np.float64(z[k]) - normaliser)
    d_z[int(target[0])] -= 1


@curvature.register(CrossEntropy)
def _(loss, z, target):
    total, normaliser = 0.0, _log_sum_exp(z)
    for k in range(z.size):
        total += spread(math.exp(np.float64(z[k]) - normaliser))
    return total / max(z.size, 1)
