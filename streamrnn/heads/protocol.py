"""The contract of a head: what reads the prediction off the top layer's hidden state.

A head is a NamedTuple class with a ``name``, float fields with defaults, and these methods, which
plain Python calls with the units ``H``, the number of inputs (features, then lags) and the number
of outputs:

- ``n_parameters(H, inputs, outputs)``: length of its parameter vector, which learns by gradient;
- ``n_memory(H, inputs, outputs)``: further numbers of its own, such as a covariance;
- ``blocks(H, inputs, outputs)``: ``{name: (offset, shape)}`` of its parameters, for
  ``get_weights()``. The first axis of a shape that begins with `outputs` grows when an output is
  added. An axis that grows with the inputs ends with them: new features come before its lags;
- ``learnt(H, inputs, outputs, memory)``, if it has any: ``{name: view}`` of the weights in its
  memory, the outputs along the first axis, for ``get_weights()`` and ``set_weights()``;
- ``variances(H, inputs, outputs, memory)``, if it knows how certain it is: those of its weights;
- ``start_memory(shape, memory)``: write the memory of a new model, which is 0 so far;
- ``carry_memory(old, old_memory, new, new_memory, places)``: copy its memory into a larger one when
  inputs or outputs were added, where the old inputs are at these `places`.

A shape is a `Shape`. The inputs of a head are the network's, and behind them what a head asks for
by ``recent_inputs``, True for the features of the step before, and ``recent_targets``, how many of
the last targets, the newest first; where changes are predicted the levels of the last ones come
before them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import by_type


class Shape(NamedTuple):
    """What the parameters and the memory of a head depend on."""

    H: int
    inputs: int
    outputs: int
    ages: np.ndarray  # (inputs,): how old the target is that an input tells, 0 for all others


@by_type
def read(
    head: tuple,
    parameters: np.ndarray,
    memory: np.ndarray,
    h: np.ndarray,
    x: np.ndarray,
    z: np.ndarray,
) -> None:
    """Write the outputs of one step.

    Parameters
    ----------
    head
        The head, a NamedTuple; its type chooses the implementation.
    parameters
        Its parameters, shape (n_parameters,); read only.
    memory
        Its memory, shape (n_memory,); read only.
    h
        Hidden state of the top layer, shape (H,); read only.
    x
        Scaled inputs, shape (inputs,); read only.
    z
        Outputs, shape (outputs,); written.
    """


@by_type
def send_back(
    head: tuple,
    parameters: np.ndarray,
    memory: np.ndarray,
    h: np.ndarray,
    x: np.ndarray,
    d_z: np.ndarray,
    d_h: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Take the gradient of one step back through the head.

    Parameters
    ----------
    head, parameters, memory, h, x
        As in `read`.
    d_z
        dL/dz, shape (outputs,); read only.
    d_h
        dL/dh, shape (H,); written.
    gradient
        dL/d(parameters), shape (n_parameters,); added to.
    """


@by_type
def learn(
    head: tuple,
    team: tuple,
    loss: tuple,
    parameters: np.ndarray,
    memory: np.ndarray,
    h: np.ndarray,
    x: np.ndarray,
    target: np.ndarray,
    z: np.ndarray,
    d_z: np.ndarray,
) -> None:
    """Learn from one labelled step other than by gradient, after the update; most heads do nothing.

    Parameters
    ----------
    head, h, x
        As in `read`.
    team
        Who does it: for `linalg.add_product` and `actions.each`, if there is much to do.
    loss
        The loss, a NamedTuple.
    parameters, memory
        As in `read`; may be written.
    target
        The scaled target, NaN where it is not known, and the weight of the sample behind it, shape
        (targets + 1,); read only.
    z, d_z
        Scratch, shape (outputs,).
    """
