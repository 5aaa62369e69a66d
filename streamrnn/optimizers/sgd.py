"""Stochastic gradient descent (Robbins & Monro 1951)."""

from __future__ import annotations

from typing import NamedTuple

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.optimizers.protocol import update


@plugin(
    name="sgd",
    n_slots=0,
    elementwise=True,
)
class SGD(NamedTuple):
    """Plain gradient descent: θ -= lr * g.

    Parameters
    ----------
    lr
        Learning rate, or a schedule from ``river.optim.schedulers``.
    """

    lr: float = 0.01


@update.register(SGD)
def _(optimizer, lr, t, parameters, gradient, slots):
    standalone()
    rate = parameters.dtype.type(lr)
    for i in range(parameters.size):
        parameters[i] -= rate * gradient[i]
