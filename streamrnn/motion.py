"""What moves a parameter once the gradient is known to be good: each element by itself."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.linalg import scale
from streamrnn.optimizers.protocol import update


class Step(NamedTuple):
    """The numbers of one update; all of them float64."""

    lr: float = 0.0
    number: float = 0.0  # of this update, from 1
    shrink: float = 1.0  # what clipping by norm leaves of the gradient
    kept: float = 1.0  # what weight decay leaves of the parameters
    threshold: float = 0.0  # of the soft threshold after the optimizer's step


@glue
def _soft_threshold(threshold, parameters):
    if threshold != 0.0:
        bound = parameters.dtype.type(threshold)
        zero = parameters.dtype.type(0)
        for i in range(parameters.size):
            excess = abs(parameters[i]) - bound
            parameters[i] = math.copysign(excess if excess > zero else zero, parameters[i])


@glue
def move_part(
    optimizer: tuple,
    step: Step,
    parameters: np.ndarray,
    gradient: np.ndarray,
    slots: np.ndarray,
) -> None:
    """Scale the gradient, let the weights decay, update, and pull towards zero.

    Parameters
    ----------
    optimizer
        The optimizer, a NamedTuple.
    step
        The numbers of this update.
    parameters, gradient
        Some or all of the parameters and their gradient, (n,); written.
    slots
        The optimizer's numbers for them, (n_slots, >= n); written.
    """
    scale(step.shrink, gradient)
    scale(step.kept, parameters)
    update(optimizer, step.lr, np.intp(step.number), parameters, gradient, slots)
    _soft_threshold(step.threshold, parameters)
