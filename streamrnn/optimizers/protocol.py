"""The contract of an optimizer: how a gradient moves the parameters.

An optimizer is a NamedTuple class with a ``name``, ``n_slots`` (numbers kept for each parameter)
and float fields with defaults. The first field is ``lr``, the learning rate: a float, or a schedule
from ``river.optim.schedulers``, which is asked for the rate of each update.

An optimizer whose ``elementwise`` is True moves each parameter by its own gradient and numbers
alone: wide models then share the update among threads, each with a part of the parameters.
"""

from __future__ import annotations

import numpy as np

from streamrnn._dispatch import by_type


@by_type
def update(
    optimizer: tuple,
    lr: float,
    t: int,
    parameters: np.ndarray,
    gradient: np.ndarray,
    slots: np.ndarray,
) -> None:
    """Move the parameters one step.

    Parameters
    ----------
    optimizer
        The optimizer, a NamedTuple; its type chooses the implementation.
    lr
        Learning rate of this update, already taken from the schedule.
    t
        Number of this update, from 1.
    parameters
        Shape (P,); written.
    gradient
        Regularised and clipped gradient, shape (P,); read only.
    slots
        What the optimizer remembers, shape (n_slots, P), zero at first; written.
    """
