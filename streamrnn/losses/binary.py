"""Binary cross-entropy of any number of labels, each of which holds or does not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._registry import plugin
from streamrnn.losses.logistic import log_loss, probability, spread
from streamrnn.losses.protocol import curvature, decode, slope, value


@plugin(
    name="binary_cross_entropy",
    task="multilabel",
)
class BinaryCrossEntropy(NamedTuple):
    """Sum over the labels of ln(1 + exp(z)) - y z, in nats; y is 1 where the label holds, or 0.

    The outputs are log-odds, and the labels are independent given the hidden state.
    """

    def n_outputs(self, targets: int) -> int:
        """Return one output a label."""
        return targets


@decode.register(BinaryCrossEntropy)
def _(loss, z, out):
    for k in range(z.size):
        out[k] = probability(z[k])


@value.register(BinaryCrossEntropy)
def _(loss, z, target):
    total = 0.0
    for k in range(z.size):
        total += log_loss(z[k], target[k])
    return total


@slope.register(BinaryCrossEntropy)
def _(loss, z, target, d_z):
    for k in range(z.size):
        d_z[k] = probability(z[k]) - np.float64(target[k])


@curvature.register(BinaryCrossEntropy)
def _(loss, z, target):
    total = known = 0.0
    for k in range(z.size):
        if target[k] == target[k]:
            total += spread(probability(z[k]))
            known += 1.0
    return total / max(known, 1.0)
