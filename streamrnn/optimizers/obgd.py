"""Overshooting-bounded gradient descent, ObGD (Elsayed et al. 2024)."""

from __future__ import annotations

from typing import NamedTuple

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.optimizers.protocol import measure, pace, update


@plugin(
    name="obgd",
    limits={"kappa": (1e-6, 1e6)},
    n_slots=0,
    elementwise=True,
    measured=True,
)
class ObGD(NamedTuple):
    """Gradient descent whose steps stay below where a prediction would overshoot its target.

    With ``M = lr * kappa * max(e, 1) * ||z||_1``, where e is the error and z the gradient of the
    prediction, the rate is ``lr / max(1, M)``: for streams of which nothing is known, since no
    sample can throw the weights off, and no number is kept for a parameter. Steps are small: one
    undoes ``1 / kappa`` of an error of 1 only if z has a single entry.

    For any loss and any number of outputs, e is the sum of the magnitudes of the loss's slopes,
    ``|dL/dz|``, over the window, weights included, and ``||g||_1 / e`` stands for ``||z||_1``: with
    one output and a window of one loss that is what it is, otherwise no more than its weighted
    mean. Of the squared error, e is twice the difference, as in the gradient.

    Parameters
    ----------
    lr
        Greatest learning rate, or a schedule from ``river.optim.schedulers``.
    kappa
        How far below the bound steps stay.

    References
    ----------
    Elsayed, Vasan, Mahmood (2024), "Streaming Deep Reinforcement Learning Finally Works".
    """

    lr: float = 1.0
    kappa: float = 2.0


@measure.register(ObGD)
def _(optimizer, t, gradient, slots):
    standalone()
    total = gradient.dtype.type(0)
    for i in range(gradient.size):
        total += abs(gradient[i])
    return total


@pace.register(ObGD)
def _(optimizer, lr, total, window, notes):
    error = window.error * window.left
    reach = lr * optimizer.kappa * total
    if 0.0 < error < 1.0:
        reach /= error
    return lr / reach if reach > 1.0 else lr


@update.register(ObGD)
def _(optimizer, lr, t, parameters, gradient, slots):
    standalone()
    rate = parameters.dtype.type(lr)
    for i in range(parameters.size):
        parameters[i] -= rate * gradient[i]
