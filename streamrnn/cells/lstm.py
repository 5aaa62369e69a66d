"""Long short-term memory with a forget gate (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

Gate order i, f, g, o, as in PyTorch::

    i, f, o = sigmoid(pre_i), sigmoid(pre_f), sigmoid(pre_o)
    g  = tanh(pre_g)
    c' = f * c + i * g
    h' = o * tanh(c')
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.activations import near_ends_of_sigmoid, near_ends_of_tanh, sigmoid, tanh
from streamrnn.cells.protocol import backward, forward


@plugin(
    name="lstm",
    n_states=2,
    gates=4,
    input_gates=4,
    state_gates=4,
    n_factors=6,
    torch_gates=((0, 0), (1, 1), (2, 2), (3, 3)),
)
class LSTM(NamedTuple):
    """Long short-term memory.

    Parameters
    ----------
    forget_bias
        Initial bias of the forget gate. 1 lets the memory last from the start (Jozefowicz et al.
        2015, section 3).
    """

    forget_bias: float = 1.0

    def initial_bias(self) -> dict[int, float]:
        """Return the initial bias of each gate row whose bias does not start at zero."""
        return {1: self.forget_bias}

    def saturated(self, pre: np.ndarray) -> dict[str, np.ndarray]:
        """Say of each gate where it is near an end."""
        names = ("input", "forget", "cell", "output")
        rules = (near_ends_of_sigmoid,) * 2 + (near_ends_of_tanh, near_ends_of_sigmoid)
        return {name: rule(gate) for name, rule, gate in zip(names, rules, pre, strict=True)}


@forward.register(LSTM)
def _(cell, pre, before, after, factors):
    standalone()
    for j in range(pre.shape[1]):
        i = sigmoid(pre[0, j])
        f = sigmoid(pre[1, j])
        g = tanh(pre[2, j])
        o = sigmoid(pre[3, j])
        c_before = before[1, j]
        c = f * c_before + i * g
        squashed = tanh(c)
        after[0, j] = o * squashed
        after[1, j] = c
        factors[0, j] = g * (i - i * i)
        factors[1, j] = c_before * (f - f * f)
        factors[2, j] = i - i * g * g
        factors[3, j] = squashed * (o - o * o)
        factors[4, j] = o - o * squashed * squashed
        factors[5, j] = f


@backward.register(LSTM)
def _(cell, factors, d_state, deltas):
    standalone()
    for j in range(deltas.shape[1]):
        d_h = d_state[0, j]
        d_c = d_state[1, j] + d_h * factors[4, j]
        deltas[0, j] = d_c * factors[0, j]
        deltas[1, j] = d_c * factors[1, j]
        deltas[2, j] = d_c * factors[2, j]
        deltas[3, j] = d_h * factors[3, j]
        d_state[0, j] = 0
        d_state[1, j] = d_c * factors[5, j]
