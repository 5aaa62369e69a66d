"""From a gradient to moved parameters: regularise, clip, check, step."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.linalg import sum_of_squares
from streamrnn.motion import Step
from streamrnn.statistics import CLIPPED, OPTIMIZER_UPDATES, SKIPPED, UPDATES
from streamrnn.team import move

#: A gradient of a greater norm counts as not finite, and a greater learning rate is refused: the
#: squares that optimizers keep, and the steps, must stay within float32.
GREATEST_NORM, GREATEST_RATE = 1e18, 1e4


def check_rate(name: str, rate: float) -> None:
    """Raise ValueError unless `rate` can be a learning rate."""
    if not 0.0 <= rate <= GREATEST_RATE:
        raise ValueError(f"{name} must be between 0 and {GREATEST_RATE:g}, got {rate!r}")


class Settings(NamedTuple):
    """The numbers that steer learning and do not change the layout."""

    clip_norm: float = math.inf  # greatest norm of the gradient over all parameters
    clip_value: float = math.inf  # greatest magnitude of an entry of the gradient
    l2: float = 0.0  # (l2 / 2) ||θ||² is part of the loss
    l1: float = 0.0  # soft threshold of lr * l1 after the step
    weight_decay: float = 0.0  # θ shrinks by lr * weight_decay before the step
    scale_inputs: float = 0.0  # 1: yes
    scale_target: float = 0.0
    scale_clip: float = math.inf  # standard deviations; what is beyond counts as there
    scale_memory: float = math.inf  # samples that the moments rest on
    shrink: float = 0.0  # 1: a predicted change is shrunk


@glue
def _regularise(settings, parameters, gradient):
    if settings.l2 != 0.0:
        l2 = parameters.dtype.type(settings.l2)
        for i in range(parameters.size):
            gradient[i] += l2 * parameters[i]


@glue
def _clip_value(limit, gradient):
    """Clamp every entry; return whether any was beyond."""
    clipped = False
    bound = gradient.dtype.type(limit)
    for i in range(gradient.size):
        if abs(gradient[i]) > bound:
            gradient[i] = math.copysign(bound, gradient[i])
            clipped = True
    return clipped


@glue
def apply_gradient(
    team: tuple,
    optimizer: tuple,
    settings: Settings,
    lr: float,
    counters: np.ndarray,
    parameters: np.ndarray,
    gradient: np.ndarray,
    slots: np.ndarray,
) -> None:
    """Move the parameters, unless the gradient is not finite: then count and leave them alone.

    The order is: L2, clip by value, clip by norm, decoupled weight decay, the optimizer's step, L1
    by soft threshold (the proximal step of the L1 norm).

    Parameters
    ----------
    team
        Who does it.
    optimizer
        The optimizer, a NamedTuple.
    settings
        Clipping and regularisation.
    lr
        Learning rate of this update.
    counters
        Updates, clipped and skipped updates are counted here.
    parameters, gradient
        Shape (P,); written.
    slots
        The optimizer's, shape (n_slots, P); written.
    """
    _regularise(settings, parameters, gradient)
    norm = math.sqrt(sum_of_squares(team, gradient))
    if not norm <= GREATEST_NORM:  # NaN fails every comparison
        counters[SKIPPED] += 1
        return
    clipped = settings.clip_value < math.inf and _clip_value(settings.clip_value, gradient)
    if clipped:
        norm = math.sqrt(sum_of_squares(team, gradient))
    shrink = 1.0
    if norm > settings.clip_norm:
        shrink = settings.clip_norm / norm
        clipped = True
    if clipped:
        counters[CLIPPED] += 1
    counters[UPDATES] += 1
    counters[OPTIMIZER_UPDATES] += 1
    kept = 1.0 - lr * settings.weight_decay
    step = Step(lr, counters[OPTIMIZER_UPDATES], shrink, kept, lr * settings.l1)
    move(team, optimizer, step, parameters, gradient, slots)
