"""AdaGrad (Duchi et al. 2011), with PyTorch's defaults."""

from __future__ import annotations

import math
from typing import NamedTuple

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.optimizers.protocol import update


@plugin(
    name="adagrad",
    limits={"eps": (1e-30, 1.0)},
    n_slots=1,
    elementwise=True,
)
class AdaGrad(NamedTuple):
    """Divide by the root of all squares so far: v += g², θ -= lr * g / (√v + eps).

    Parameters
    ----------
    lr
        Learning rate, or a schedule from ``river.optim.schedulers``.
    eps
        Added to the divisor.
    """

    lr: float = 0.01
    eps: float = 1e-10


@update.register(AdaGrad)
def _(optimizer, lr, t, parameters, gradient, slots):
    standalone()
    rate, eps = parameters.dtype.type(lr), parameters.dtype.type(optimizer.eps)
    for i in range(parameters.size):
        slots[0, i] += gradient[i] * gradient[i]
        parameters[i] -= rate * gradient[i] / (math.sqrt(slots[0, i]) + eps)
