"""The contract of a loss: its value, its slope, and how outputs become a prediction.

A loss is a NamedTuple class with a ``name``, float fields with defaults and

- ``task``: ``"regression"``, ``"classification"`` or ``"multilabel"``;
- ``n_outputs(targets)``: how many outputs the head must give for that many targets (regression),
  classes (classification) or labels (multilabel).

A regression's loss may also say ``is_centred``, True where the best output is a mean or a median:
where changes are predicted such a one is shrunk towards none.

The target of a regression is one number an output, and so is that of several labels, 1 where a
label holds and 0 where not; that of a classification is one number, the index of the class. Where
there is one number an output, any of them may be NaN, which is not known: the loss is the sum over
the others, so a component of the slope depends on no other target, and that of NaN is not used.
"""

from __future__ import annotations

import numpy as np

from streamrnn._dispatch import by_type

#: The slope of an absolute error jumps at 0: an error counts as at least so much there.
LEAST_ERROR = 0.1


@by_type
def value(loss: tuple, z: np.ndarray, target: np.ndarray) -> float:
    """Return the loss of the outputs `z`, (outputs,), given the `target`, (>= targets,)."""
    raise NotImplementedError


@by_type
def slope(loss: tuple, z: np.ndarray, target: np.ndarray, d_z: np.ndarray) -> None:
    """Write dL/dz to `d_z`, (outputs,); the other arguments are those of `value`."""


@by_type
def curvature(loss: tuple, z: np.ndarray, target: np.ndarray) -> float:
    """Return how fast the slope changes with an output, on the mean over those that are known.

    It is a bound from above where the loss bends less and less, such as beyond a Huber loss's
    `delta`: the least that keeps a Newton step from going too far. Only heads of second order ask
    for it; the arguments are those of `value`.
    """
    raise NotImplementedError


@by_type
def decode(loss: tuple, z: np.ndarray, out: np.ndarray) -> None:
    """Write the prediction to `out`, float64: the outputs, or one probability a class or label."""


def identity(loss, z, out):
    """Decode the outputs of a regression: they are the prediction."""
    for k in range(z.size):
        out[k] = z[k]
