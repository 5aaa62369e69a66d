"""Roots S of covariances P = S Sᵀ, (n, n): what the square-root form of least squares does to them.

Each function is there for one thread, which goes over S once, and for lanes, which share it.
"""

from __future__ import annotations

import math

import numpy as np

from streamrnn._dispatch import by_type, standalone
from streamrnn.actions import (
    ExactSquares,
    TakeProduct,
    each,
    each_number,
    fill_together,
    scale_together,
)
from streamrnn.lanes.team import Lanes
from streamrnn.linalg import add_product, add_transposed_product
from streamrnn.views import matrix


@by_type
def direction(team: tuple, S: np.ndarray, phi: np.ndarray, f: np.ndarray) -> float:
    """Write Sᵀ φ to `f`, of length 1 if it has any; return the length it had."""
    raise NotImplementedError


@by_type
def shorten(team: tuple, share: float, f: np.ndarray, S: np.ndarray, gain: np.ndarray) -> None:
    """Write S f to `gain`, where `f` has the length 1, and take a share of it away from S."""


@direction.register(object)
def _(team, S, phi, f):
    standalone()
    n = phi.size
    for j in range(n):
        f[j] = 0
    for i in range(n):
        for j in range(n):
            f[j] += phi[i] * S[i, j]
    squares = 0.0
    for j in range(f.size):
        squares += np.float64(f[j]) * np.float64(f[j])
    length = math.sqrt(squares)
    if 0.0 < length < math.inf:
        for j in range(f.size):
            f[j] = np.float64(f[j]) / length
    return length


@direction.register(Lanes)
def _(team, S, phi, f):
    fill_together(team, f, 0.0)
    add_product(team, S, phi, phi.size, f)
    length = math.sqrt(each_number(team, ExactSquares(), f, f))
    if 0.0 < length < math.inf:
        scale_together(team, 1.0 / length, f)
    return length


@shorten.register(object)
def _(team, share, f, S, gain):
    standalone()
    n = f.size
    taken = f.dtype.type(share)
    for i in range(n):
        total = f.dtype.type(0)
        for j in range(n):
            total += S[i, j] * f[j]
        gain[i] = total
        for j in range(n):
            S[i, j] -= taken * total * f[j]


@shorten.register(Lanes)
def _(team, share, f, S, gain):
    n = f.size
    fill_together(team, gain, 0.0)
    add_transposed_product(team, S, f, n, 0, gain)
    each(team, TakeProduct(share), S, matrix(f, 0, 1, n), matrix(gain, 0, 1, n))
