"""Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019), as in PyTorch."""

from __future__ import annotations

import math
from typing import NamedTuple

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.optimizers.protocol import update


@plugin(
    name="adam",
    limits={"beta1": (0.0, 0.999999), "beta2": (0.0, 0.999999), "eps": (1e-30, 1.0)},
    n_slots=2,
    elementwise=True,
)
class Adam(NamedTuple):
    """Adam: running mean of the gradient over the root of that of its square, bias-corrected.

    Parameters
    ----------
    lr
        Learning rate, or a schedule from ``river.optim.schedulers``. The default is the best
        compromise of five rates over ten streams and three cells: 0.001 is slow on short ones,
        0.01 unsteady on long ones.
    beta1, beta2
        Decay of the running means of g and g².
    eps
        Added to the divisor.
    """

    lr: float = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8


@plugin(
    name="adamw",
    limits={
        "beta1": (0.0, 0.999999),
        "beta2": (0.0, 0.999999),
        "eps": (1e-30, 1.0),
        "weight_decay": (0.0, 1.0),
    },
    n_slots=2,
    elementwise=True,
)
class AdamW(NamedTuple):
    """Adam with decoupled weight decay: θ -= lr * weight_decay * θ before each step.

    Parameters
    ----------
    lr
        Learning rate, or a schedule from ``river.optim.schedulers``. The default is the best
        compromise of five rates over ten streams and three cells: 0.001 is slow on short ones,
        0.01 unsteady on long ones.
    beta1, beta2
        Decay of the running means of g and g².
    eps
        Added to the divisor.
    weight_decay
        The model's decoupled weight decay where its own ``weight_decay`` is None.
    """

    lr: float = 0.002
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01


def _adam(optimizer, lr, t, parameters, gradient, slots):
    standalone()
    real = parameters.dtype.type
    beta1, fresh1 = real(optimizer.beta1), real(1.0 - optimizer.beta1)
    beta2, fresh2 = real(optimizer.beta2), real(1.0 - optimizer.beta2)
    rate = real(lr / (1.0 - optimizer.beta1**t))
    root = real(1.0 / math.sqrt(1.0 - optimizer.beta2**t))
    eps = real(optimizer.eps)
    for i in range(parameters.size):
        g = gradient[i]
        mean = beta1 * slots[0, i] + fresh1 * g
        square = beta2 * slots[1, i] + fresh2 * g * g
        slots[0, i] = mean
        slots[1, i] = square
        parameters[i] -= rate * mean / (math.sqrt(square) * root + eps)


update.register(Adam)(_adam)
update.register(AdamW)(_adam)
