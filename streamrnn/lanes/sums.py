"""Sums of products as loops of few instructions, for one lane.

A device's compiler leaves the bookkeeping of a ``range`` and of an index that may be negative in
the loop: 16 instructions for each product, where these have 6 to 10. All indices count from 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.views import item, put

#: Rows of a weight gradient that one lane makes at once: each delta that it reads serves all.
TILE = 8


@glue
def add_products(total: Any, a: np.ndarray, b: np.ndarray, first: int, stop: int, step: int) -> Any:
    """Add ``a[i] * b[i]`` for every `step`-th `i` from `first` to before `stop`."""
    i, two, three = first, 2 * step, 3 * step
    while i + three < stop:  # eight numbers are on their way at once
        a0, a1, a2, a3 = item(a, i), item(a, i + step), item(a, i + two), item(a, i + three)
        b0, b1, b2, b3 = item(b, i), item(b, i + step), item(b, i + two), item(b, i + three)
        total += a0 * b0
        total += a1 * b1
        total += a2 * b2
        total += a3 * b3
        i += 4 * step
    while i < stop:
        total += item(a, i) * item(b, i)
        i += step
    return total


@glue
def add_column(
    total: Any,
    values: np.ndarray,
    weights: np.ndarray,
    columns: int,
    j: int,
    first: int,
    stop: int,
    step: int,
) -> Any:
    """Add ``values[i] * weights[i, j]`` likewise; `weights` has all rows of `columns` in a line."""
    i, at = first, first * columns + j
    while i < stop:
        total += item(values, i) * item(weights, at)
        i += step
        at += step * columns
    return total


@glue
def add_spaced(total: Any, values: np.ndarray, first: int, n: int, step: int) -> Any:
    """Add `n` values, every `step`-th from `first`."""
    i, at = 0 * n, first
    while i < n:
        total += item(values, at)
        i += 1
        at += step
    return total


@glue
def add_outer(
    total: Any,
    inputs: np.ndarray,
    length: int,
    i: int,
    deltas: np.ndarray,
    width: int,
    j: int,
    n: int,
) -> Any:
    """Add ``inputs[t, i] * deltas[t, j]`` over `n` steps; their rows are `length` and `width`."""
    t, at, place = 0 * n, i, j
    while t < n:
        total += item(inputs, at) * item(deltas, place)
        t += 1
        at += length
        place += width
    return total


@glue
def write_tile(
    inputs: np.ndarray,
    length: int,
    i: int,
    deltas: np.ndarray,
    width: int,
    j: int,
    n: int,
    out: np.ndarray,
    at: int,
    columns: int,
) -> None:
    """Write what `add_outer` adds for `TILE` values of `i` to ``out[at]``, `columns` apart."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = out.dtype.type(0)
    t, here, place = 0 * n, i, j
    while t < n:
        delta = item(deltas, place)
        s0 += item(inputs, here) * delta
        s1 += item(inputs, here + 1) * delta
        s2 += item(inputs, here + 2) * delta
        s3 += item(inputs, here + 3) * delta
        s4 += item(inputs, here + 4) * delta
        s5 += item(inputs, here + 5) * delta
        s6 += item(inputs, here + 6) * delta
        s7 += item(inputs, here + 7) * delta
        t += 1
        here += length
        place += width
    put(out, at, s0)
    put(out, at + columns, s1)
    put(out, at + 2 * columns, s2)
    put(out, at + 3 * columns, s3)
    put(out, at + 4 * columns, s4)
    put(out, at + 5 * columns, s5)
    put(out, at + 6 * columns, s6)
    put(out, at + 7 * columns, s7)
