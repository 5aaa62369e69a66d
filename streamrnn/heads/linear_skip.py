"""A linear head that reads the network's inputs beside the hidden state: z = W h + V x + b."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.heads.protocol import Shape, learn, read, send_back
from streamrnn.views import vector


@plugin(
    name="linear_skip",
)
class LinearSkip(NamedTuple):
    """Linear read-out of hidden state and inputs: the network need not pass on what is linear."""

    def n_parameters(self, H: int, inputs: int, outputs: int) -> int:
        """Return the number of weights and biases."""
        return outputs * (H + inputs + 1)

    def n_memory(self, H: int, inputs: int, outputs: int) -> int:
        """Return 0: everything is learnt by gradient."""
        return 0

    def blocks(self, H: int, inputs: int, outputs: int) -> dict[str, tuple[int, tuple[int, ...]]]:
        """Return where weights and bias lie."""
        skip = outputs * H
        bias = skip + outputs * inputs
        return {
            "weight": (0, (outputs, H)),
            "skip": (skip, (outputs, inputs)),
            "bias": (bias, (outputs,)),
        }

    def start_memory(self, shape: Shape, memory: np.ndarray) -> None:
        """Do nothing: there is no memory."""

    def carry_memory(
        self,
        old: Shape,
        old_memory: np.ndarray,
        new: Shape,
        new_memory: np.ndarray,
        places: np.ndarray,
    ) -> None:
        """Do nothing: there is no memory."""


@read.register(LinearSkip)
def _(head, parameters, memory, h, x, z):
    standalone()
    outputs, H, n = z.size, h.size, x.size
    for k in range(outputs):
        weights, skip = vector(parameters, k * H, H), vector(parameters, outputs * H + k * n, n)
        total = z.dtype.type(0)
        for j in range(H):
            total += weights[j] * h[j]
        for i in range(n):
            total += skip[i] * x[i]
        z[k] = parameters[outputs * (H + n) + k] + total


@send_back.register(LinearSkip)
def _(head, parameters, memory, h, x, d_z, d_h, gradient):
    standalone()
    outputs, H, n = d_z.size, h.size, x.size
    for j in range(H):
        d_h[j] = 0
    for k in range(outputs):
        error = d_z[k]
        weights, sums = vector(parameters, k * H, H), vector(gradient, k * H, H)
        for j in range(H):
            sums[j] += error * h[j]
            d_h[j] += error * weights[j]
        skips = vector(gradient, outputs * H + k * n, n)
        for i in range(n):
            skips[i] += error * x[i]
        gradient[outputs * (H + n) + k] += error


@learn.register(LinearSkip)
def _(head, team, loss, parameters, memory, h, x, target, z, d_z):
    pass
