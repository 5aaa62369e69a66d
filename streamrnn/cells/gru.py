"""Gated recurrent unit (Cho et al. 2014) in PyTorch's form, with two biases for the candidate.

Gate order r, z, n as in PyTorch::

    r, z = sigmoid(pre_r), sigmoid(pre_z)
    n  = tanh(W_in x + b_in + r * (W_hn h + b_hn))
    h' = (1 - z) * n + z * h

The candidate's two parts stay apart, so a row of pre-activations is (n from x | r | z | n from h):
the input reaches the first three blocks, the hidden state the last three.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.activations import near_ends_of_sigmoid, near_ends_of_tanh, sigmoid, tanh
from streamrnn.cells.protocol import backward, forward


@plugin(
    name="gru",
    n_states=1,
    gates=4,
    input_gates=3,
    state_gates=3,
    n_factors=5,
    torch_gates=((1, 1), (2, 2), (0, 3)),
)
class GRU(NamedTuple):
    """Gated recurrent unit."""

    def saturated(self, pre: np.ndarray) -> dict[str, np.ndarray]:
        """Say of each gate where it is near an end."""
        r = 0.5 * np.tanh(0.5 * pre[1]) + 0.5
        return {
            "reset": near_ends_of_sigmoid(pre[1]),
            "update": near_ends_of_sigmoid(pre[2]),
            "new": near_ends_of_tanh(pre[0] + r * pre[3]),
        }


@forward.register(GRU)
def _(cell, pre, before, after, factors):
    standalone()
    one = pre.dtype.type(1)
    for j in range(pre.shape[1]):
        n_state = pre[3, j]
        r = sigmoid(pre[1, j])
        z = sigmoid(pre[2, j])
        n = tanh(pre[0, j] + r * n_state)
        h = before[0, j]
        after[0, j] = n + z * (h - n)
        d_n = (one - z) * (one - n * n)
        factors[0, j] = d_n
        factors[1, j] = d_n * n_state * (r - r * r)
        factors[2, j] = (h - n) * (z - z * z)
        factors[3, j] = d_n * r
        factors[4, j] = z


@backward.register(GRU)
def _(cell, factors, d_state, deltas):
    standalone()
    for j in range(deltas.shape[1]):
        d_h = d_state[0, j]
        deltas[0, j] = d_h * factors[0, j]
        deltas[1, j] = d_h * factors[1, j]
        deltas[2, j] = d_h * factors[2, j]
        deltas[3, j] = d_h * factors[3, j]
        d_state[0, j] = d_h * factors[4, j]
