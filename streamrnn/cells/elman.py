"""Elman network (Elman 1990): h' = f(W_x x + W_h h + b) with f = tanh or ReLU."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.activations import near_ends_of_tanh, tanh
from streamrnn.cells.protocol import backward, forward


@plugin(
    name="rnn",
    n_states=1,
    gates=1,
    input_gates=1,
    state_gates=1,
    n_factors=1,
    torch_gates=((0, 0),),
)
class Elman(NamedTuple):
    """Elman network with tanh units."""

    def saturated(self, pre: np.ndarray) -> dict[str, np.ndarray]:
        """Say where a unit is near an end."""
        return {"hidden": near_ends_of_tanh(pre[0])}


@plugin(
    name="rnn_relu",
    n_states=1,
    gates=1,
    input_gates=1,
    state_gates=1,
    n_factors=1,
    torch_gates=((0, 0),),
)
class ElmanReLU(NamedTuple):
    """Elman network with rectified linear units; unbounded, so keep clipping on."""

    def saturated(self, pre: np.ndarray) -> dict[str, np.ndarray]:
        """Say where a unit is at 0: no gradient passes."""
        return {"hidden": ~(pre[0] > 0.0)}


@forward.register(Elman)
def _(cell, pre, before, after, factors):
    standalone()
    one = pre.dtype.type(1)
    for j in range(pre.shape[1]):
        h = tanh(pre[0, j])
        after[0, j] = h
        factors[0, j] = one - h * h


@forward.register(ElmanReLU)
def _(cell, pre, before, after, factors):
    standalone()
    zero, one = pre.dtype.type(0), pre.dtype.type(1)
    for j in range(pre.shape[1]):
        active = pre[0, j] > zero
        after[0, j] = pre[0, j] if active else zero
        factors[0, j] = one if active else zero


def _scale_by_slope(cell, factors, d_state, deltas):
    standalone()
    for j in range(deltas.shape[1]):
        deltas[0, j] = d_state[0, j] * factors[0, j]
        d_state[0, j] = 0


backward.register(Elman)(_scale_by_slope)
backward.register(ElmanReLU)(_scale_by_slope)
