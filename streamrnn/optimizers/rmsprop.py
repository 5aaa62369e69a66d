"""RMSProp (Tieleman & Hinton 2012, lecture 6.5), with PyTorch's defaults."""

from __future__ import annotations

import math
from typing import NamedTuple

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.optimizers.protocol import update


@plugin(
    name="rmsprop",
    limits={"rho": (0.0, 0.999999), "eps": (1e-30, 1.0)},
    n_slots=1,
    elementwise=True,
)
class RMSProp(NamedTuple):
    """Divide by a running root mean square: v = rho v + (1 - rho) g², θ -= lr * g / (√v + eps).

    Parameters
    ----------
    lr
        Learning rate, or a schedule from ``river.optim.schedulers``.
    rho
        Decay of the running mean.
    eps
        Added to the divisor.
    """

    lr: float = 0.001
    rho: float = 0.99
    eps: float = 1e-8


@update.register(RMSProp)
def _(optimizer, lr, t, parameters, gradient, slots):
    standalone()
    real = parameters.dtype.type
    rate, eps = real(lr), real(optimizer.eps)
    rho, fresh = real(optimizer.rho), real(1.0 - optimizer.rho)
    for i in range(parameters.size):
        slots[0, i] = rho * slots[0, i] + fresh * gradient[i] * gradient[i]
        parameters[i] -= rate * gradient[i] / (math.sqrt(slots[0, i]) + eps)
