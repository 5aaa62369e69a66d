"""What optimizers are told that look at all parameters before they move any; see `measure`.

The functions here are compiled to nothing for the others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from streamrnn._dispatch import compiled_as, glue
from streamrnn.layout import Sizes
from streamrnn.linalg import fill, squares_block
from streamrnn.losses.protocol import value
from streamrnn.optimizers.protocol import Window, measure, pace
from streamrnn.views import address_of, matrix_at, vector

#: Where the figures of a window are: the loss, and the error.
LOSS, ERROR = range(2)


def is_measured(optimizer: Any) -> bool:
    """Say whether an optimizer, or a class of them, looks at all parameters before it moves any."""
    return getattr(optimizer, "measured", False)


# --- the window's figures, noted as its losses are sent back


def begin_window(optimizer: tuple, window: np.ndarray) -> None:
    """Forget the window before."""
    if is_measured(optimizer):
        fill(window, 0.0)


@compiled_as(begin_window)
def _emit_begin_window(optimizer, window):
    if not is_measured(optimizer.instance_class):
        return lambda optimizer, window: None
    return lambda optimizer, window: fill(window, 0.0)


def note_loss(
    optimizer: tuple,
    loss: tuple,
    sizes: Sizes,
    z: np.ndarray,
    target: np.ndarray,
    d_z: np.ndarray,
    window: np.ndarray,
) -> None:
    """Add one step's loss and error to the figures of the window.

    Parameters
    ----------
    optimizer, loss, sizes
        Of the model.
    z
        Outputs of the head, (n_outputs,).
    target
        The step's row of the ring: targets, NaN where one is not known, and the weight.
    d_z
        The step's slope as it goes back: weighted, 0 where the target is not known.
    window
        The figures; written.
    """
    if is_measured(optimizer):
        _note_loss(loss, sizes, z, target, d_z, window)


@compiled_as(note_loss)
def _emit_note_loss(optimizer, loss, sizes, z, target, d_z, window):
    if not is_measured(optimizer.instance_class):
        return lambda optimizer, loss, sizes, z, target, d_z, window: None
    return lambda optimizer, loss, sizes, z, target, d_z, window: _note_loss(
        loss, sizes, z, target, d_z, window
    )


@glue
def _note_loss(loss, sizes, z, target, d_z, window):
    weight = np.float64(target[sizes.n_targets])
    total = 0.0
    if sizes.n_targets == z.size:  # a sum over the outputs, some of which may not be known
        for k in range(z.size):
            if abs(target[k]) < math.inf:
                total += value(loss, vector(z, k, 1), vector(target, k, 1))
    else:
        total += value(loss, z, target)
    window[LOSS] += weight * weight * total / sizes.loss_window
    for k in range(z.size):
        window[ERROR] += abs(d_z[k])


# --- the sum over all parameters


def measured_block(
    optimizer: tuple, t: float, gradient: np.ndarray, slots: np.ndarray, block: int
) -> float:
    """Return what `measure` says of one block of the parameters, 0 of an optimizer without it.

    Parameters
    ----------
    optimizer, t
        The optimizer, and the number of its update.
    gradient, slots
        Of all parameters, (P,) and (n_slots, P).
    block
        Which block: of `squares_block` parameters, of which the last may have fewer.
    """
    if is_measured(optimizer):
        return _measured_block(optimizer, t, gradient, slots, block)
    return 0.0


@compiled_as(measured_block)
def _emit_measured_block(optimizer, t, gradient, slots, block):
    if not is_measured(optimizer.instance_class):
        return lambda optimizer, t, gradient, slots, block: 0.0
    return lambda optimizer, t, gradient, slots, block: _measured_block(
        optimizer, t, gradient, slots, block
    )


@glue
def _measured_block(optimizer, t, gradient, slots, block):
    length = squares_block(gradient.size)
    first = block * length
    left = gradient.size - first
    part = vector(gradient, first, length if length < left else left)
    # As if the matrix began at that column; what is behind its end is not looked at.
    start = address_of(slots) + first * gradient.itemsize
    mine = matrix_at(start, slots.shape[0], slots.shape[1], gradient.dtype.type(0))
    return np.float64(measure(optimizer, np.intp(t), part, mine))


@glue
def paced(
    optimizer: tuple, lr: float, total: float, window: np.ndarray, left: float, notes: np.ndarray
) -> float:
    """Return the learning rate that `pace` gives, 0 for one that is not finite.

    The arguments are those of `pace`; `window` has the figures, and `left` belongs to them.
    """
    known = Window(np.float64(window[LOSS]), np.float64(window[ERROR]), left)
    rate: float = pace(optimizer, lr, np.float64(total), known, notes)
    return rate if abs(rate) < math.inf else 0.0
