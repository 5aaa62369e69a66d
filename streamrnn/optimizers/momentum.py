"""Gradient descent with momentum (Polyak 1964) and Nesterov's form of it (Sutskever et al. 2013).

Both are written as in PyTorch: v = momentum * v + g.
"""

from __future__ import annotations

from typing import NamedTuple

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.optimizers.protocol import update


@plugin(
    name="momentum",
    limits={"momentum": (0.0, 0.999999)},
    n_slots=1,
    elementwise=True,
)
class Momentum(NamedTuple):
    """Heavy-ball momentum: θ -= lr * v.

    Parameters
    ----------
    lr
        Learning rate, or a schedule from ``river.optim.schedulers``.
    momentum
        Share of the last step that is kept.
    """

    lr: float = 0.01
    momentum: float = 0.9


@plugin(
    name="nesterov",
    limits={"momentum": (0.0, 0.999999)},
    n_slots=1,
    elementwise=True,
)
class Nesterov(NamedTuple):
    """Nesterov's momentum: θ -= lr * (g + momentum * v).

    Parameters
    ----------
    lr
        Learning rate, or a schedule from ``river.optim.schedulers``.
    momentum
        Share of the last step that is kept.
    """

    lr: float = 0.01
    momentum: float = 0.9


@update.register(Momentum)
def _(optimizer, lr, t, parameters, gradient, slots):
    standalone()
    rate = parameters.dtype.type(lr)
    kept = parameters.dtype.type(optimizer.momentum)
    for i in range(parameters.size):
        slots[0, i] = kept * slots[0, i] + gradient[i]
        parameters[i] -= rate * slots[0, i]


@update.register(Nesterov)
def _(optimizer, lr, t, parameters, gradient, slots):
    standalone()
    rate = parameters.dtype.type(lr)
    kept = parameters.dtype.type(optimizer.momentum)
    for i in range(parameters.size):
        slots[0, i] = kept * slots[0, i] + gradient[i]
        parameters[i] -= rate * (gradient[i] + kept * slots[0, i])
