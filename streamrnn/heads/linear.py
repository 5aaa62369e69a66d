"""The linear head: z = W h + b, both zero at first: predictions start at the target's mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import standalone
from streamrnn._registry import plugin
from streamrnn.heads.protocol import Shape, learn, read, send_back
from streamrnn.views import vector


@plugin(
    name="linear",
)
class Linear(NamedTuple):
    """Linear read-out of the top layer's hidden state."""

    def n_parameters(self, H: int, inputs: int, outputs: int) -> int:
        """Return the number of weights and biases."""
        return outputs * (H + 1)

    def n_memory(self, H: int, inputs: int, outputs: int) -> int:
        """Return 0: everything is learnt by gradient."""
        return 0

    def blocks(self, H: int, inputs: int, outputs: int) -> dict[str, tuple[int, tuple[int, ...]]]:
        """Return where weight and bias lie."""
        return {"weight": (0, (outputs, H)), "bias": (outputs * H, (outputs,))}

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


@read.register(Linear)
def _(head, parameters, memory, h, x, z):
    standalone()
    n, H = z.size, h.size
    for k in range(n):
        weights = vector(parameters, k * H, H)
        total = z.dtype.type(0)
        for j in range(H):
            total += weights[j] * h[j]
        z[k] = parameters[n * H + k] + total


@send_back.register(Linear)
def _(head, parameters, memory, h, x, d_z, d_h, gradient):
    standalone()
    n, H = d_z.size, d_h.size
    for j in range(H):
        d_h[j] = 0
    for k in range(n):
        slope = d_z[k]
        weights, sums = vector(parameters, k * H, H), vector(gradient, k * H, H)
        for j in range(H):
            sums[j] += slope * h[j]
            d_h[j] += slope * weights[j]
        gradient[n * H + k] += slope


@learn.register(Linear)
def _(head, team, loss, parameters, memory, h, x, target, z, d_z):
    pass
