"""The Intentional update (Nassab et al. 2026): what is chosen is how far a prediction moves."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.optimizers.protocol import measure, pace, update


@plugin(
    name="intentional",
    limits={"rho": (0.0, 0.999999), "eps": (1e-30, 1.0), "limit": (1.0, 1e6)},
    n_slots=1,
    n_notes=1,
    elementwise=True,
    measured=True,
)
class Intentional(NamedTuple):
    """Move each prediction by a fraction of its error: normalised least mean squares by RMSProp.

    ``v = rho v + (1 - rho) g²``, ``d = g / (√v + eps)``, ``θ -= lr * 2 L / (g·d) * d``: to first
    order the loss L of the window falls by ``2 * lr * L``. Of one squared error that is the
    prediction's way to the target, times `lr`, however large gradient, error or model are. With
    several outputs or losses, L is their sum as in the gradient; for cross-entropy, this is
    Polyak's step to a loss of 0. There is no rate to tune to a model's size, but noise that no
    weights can predict is followed as well: a greater `loss_window` averages over it.

    The weight of a sample counts as an error so many times as large. Clipping by norm changes no
    step, only what v remembers: spikes are held by `limit`. The gradients of ``l2`` and ``l2_init``
    change the direction only; ``weight_decay`` keeps its strength.

    Parameters
    ----------
    lr
        Fraction of the error, or a schedule from ``river.optim.schedulers``. Of six from 0.05 to 1,
        0.5 has the least error over eight streams, but where targets are noise, lr / (2 - lr) is
        added to the mean squared error: with 0.3 18 %, with 0.5 a third.
    rho
        Decay of the running means of g² and of L.
    eps
        Added to the divisor.
    limit
        An error of more than so many times their root mean square counts as one of that size.

    References
    ----------
    Nassab et al. (2026), arXiv:2604.19033.
    """

    lr: float = 0.3
    rho: float = 0.999
    eps: float = 1e-8
    limit: float = 20.0


@measure.register(Intentional)
def _(optimizer, t, gradient, slots):
    standalone()
    real = gradient.dtype.type
    rho, fresh, eps = real(optimizer.rho), real(1.0 - optimizer.rho), real(optimizer.eps)
    total = real(0)
    for i in range(gradient.size):
        square = gradient[i] * gradient[i]
        slots[0, i] = rho * slots[0, i] + fresh * square
        total += square / (math.sqrt(slots[0, i]) + eps)
    return total


@pace.register(Intentional)
def _(optimizer, lr, total, window, notes):
    loss, usual = window.loss, np.float64(notes[0])
    if usual > 0.0:
        bound = optimizer.limit * optimizer.limit * usual
        loss = loss if loss < bound else bound
    else:
        usual = loss
    notes[0] = usual + (1.0 - optimizer.rho) * (loss - usual)
    return 2.0 * lr * window.left * loss / total if total > 0.0 else 0.0


@update.register(Intentional)
def _(optimizer, lr, t, parameters, gradient, slots):
    standalone()
    rate, eps = parameters.dtype.type(lr), parameters.dtype.type(optimizer.eps)
    for i in range(parameters.size):
        parameters[i] -= rate * gradient[i] / (math.sqrt(slots[0, i]) + eps)
