"""The contract of an optimizer: how a gradient moves the parameters.

An optimizer is a NamedTuple class with a ``name``, ``n_slots`` (numbers kept for each parameter)
and float fields with defaults. The first field is ``lr``, the learning rate: a float, or a schedule
from ``river.optim.schedulers``, which is asked for the rate of each update.

An optimizer whose ``elementwise`` is True moves each parameter by its own gradient and numbers
alone: wide models then share the update among threads, each with a part of the parameters.

One whose ``measured`` is True looks at all parameters first: `measure` adds something up over
them, and `pace` makes the learning rate of the update from the sum and from the window's loss and
error; ``n_notes`` numbers are kept for it from update to update. Others need neither, and nothing
of it is compiled for them.
"""

from __future__ import annotations

from typing import NamedTuple

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
        Learning rate of this update, already taken from the schedule, or from `pace`.
    t
        Number of this update, from 1.
    parameters
        Shape (P,); written.
    gradient
        Regularised and clipped gradient, shape (P,); read only.
    slots
        What the optimizer remembers, shape (n_slots, >= P), zero at first; written.
    """


@by_type
def measure(optimizer: tuple, t: int, gradient: np.ndarray, slots: np.ndarray) -> float:
    """Return what some of the parameters add to the sum, in the model's precision.

    The parameters come in parts of a fixed length, each once an update, and before any of them is
    moved; sums are added in their order, so the total does not depend on the threads.

    Parameters
    ----------
    optimizer, t
        As in `update`.
    gradient
        The part of the gradient, regularised and clipped, shape (n,); read only.
    slots
        What the optimizer remembers of the part, shape (n_slots, >= n); may be written.
    """
    raise NotImplementedError


class Window(NamedTuple):
    """What is known of the losses whose gradient is at hand; all of them float64."""

    loss: float = 0.0  # sum of the losses, each times weight² / loss_window
    error: float = 0.0  # sum of |dL/dz| over steps and outputs, times weight / loss_window
    left: float = 1.0  # what clipping leaves of the gradient's norm


@by_type
def pace(optimizer: tuple, lr: float, total: float, window: Window, notes: np.ndarray) -> float:
    """Return the learning rate of an update; one that is not finite stands for 0.

    Parameters
    ----------
    optimizer, lr
        As in `update`, the rate taken from the schedule.
    total
        What `measure` added up to, float64.
    window
        The losses. The weight of a sample counts as an error so many times as large; a gradient
        that was clipped is that of a loss ``left`` times as large.
    notes
        What the optimizer remembers beside its slots, shape (n_notes,), zero at first; written.
    """
    raise NotImplementedError
