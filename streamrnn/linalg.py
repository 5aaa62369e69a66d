"""Matrix products of the recurrent step and its gradient, as loops that vectorise.

Weights are stored [inputs, gates]: one row per input holds that input's weight to every gate, so
all three products below run along rows. The block sizes were measured: on one core with 512-bit
vectors the gradient product runs at the speed of a large BLAS product, the other two at the speed
at which weights come from the cache. BLAS itself would bring a call's overhead and threads of its
own.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import by_type, glue, kernel, standalone
from streamrnn.views import ALIGNMENT, row, vector


class Alone(NamedTuple):
    """A product is made by the thread that asks for it; see `team` for the other way."""


@by_type
def add_product(
    team: tuple, weights: np.ndarray, values: np.ndarray, n: int, out: np.ndarray
) -> None:
    """Add ``values[:n] @ weights[:n, :columns]`` to `out`, (columns,)."""


@by_type
def add_transposed_product(
    team: tuple, weights: np.ndarray, deltas: np.ndarray, n: int, turn: int, out: np.ndarray
) -> None:
    """Add ``weights[:n] @ deltas`` to ``out[:n]``; `weights` is (>= n, columns).

    An odd `turn` goes from the last rows to the first: whoever needs the same weights again and
    again finds part of them still in the cache (64 LSTM units: 0.59 to 0.49 µs).
    """


@by_type
def sum_of_outer_products(
    team: tuple, inputs: np.ndarray, deltas: np.ndarray, first: int, n: int, out: np.ndarray
) -> None:
    """Write ``inputs[:n].T @ deltas[:n, first:]`` to `out`: a weight gradient over `n` steps.

    `inputs` is (>= n, rows), `deltas` (>= n, >= first + columns), `out` (rows, columns).
    """


@by_type
def sum_of_squares(team: tuple, values: np.ndarray) -> float:
    """Sum the squares of a vector, in its own precision; in float64 where that overflows."""
    raise NotImplementedError


@add_product.register(Alone)
def _(team, weights, values, n, out):
    standalone()
    columns = out.size
    blocked = n - n % 4
    for k in range(0, blocked, 4):
        v0, v1, v2, v3 = values[k], values[k + 1], values[k + 2], values[k + 3]
        for j in range(columns):
            out[j] += (
                v0 * weights[k, j]
                + v1 * weights[k + 1, j]
                + v2 * weights[k + 2, j]
                + v3 * weights[k + 3, j]
            )
    for k in range(blocked, n):
        v0 = values[k]
        for j in range(columns):
            out[j] += v0 * weights[k, j]


#: A row of so many bytes, or of a multiple, begins in the same place of the first-level cache as
#: the one before: of eight such rows and the deltas, one would throw out the other.
_ALIASED = 4096


@add_transposed_product.register(Alone)
def _(team, weights, deltas, n, turn, out):
    standalone()
    back = turn % 2 == 1
    if weights.shape[1] * weights.itemsize % _ALIASED == 0:
        blocks = n // 4
        for b in range(blocks):
            _add_four(weights, deltas, 4 * (blocks - 1 - b if back else b), out)
        done = 4 * blocks
    else:
        blocks = n // 8
        for b in range(blocks):
            _add_eight(weights, deltas, 8 * (blocks - 1 - b if back else b), out)
        done = 8 * blocks
    for k in range(done, n):
        s0 = out.dtype.type(0)
        for j in range(weights.shape[1]):
            s0 += weights[k, j] * deltas[j]
        out[k] += s0


@glue
def _add_eight(weights, deltas, k, out):
    # Views, since an index might wrap around.
    w0, w1, w2, w3 = row(weights, k), row(weights, k + 1), row(weights, k + 2), row(weights, k + 3)
    w4, w5, w6 = row(weights, k + 4), row(weights, k + 5), row(weights, k + 6)
    w7, sums = row(weights, k + 7), vector(out, k, 8)
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = out.dtype.type(0)
    for j in range(weights.shape[1]):
        d = deltas[j]
        s0 += w0[j] * d
        s1 += w1[j] * d
        s2 += w2[j] * d
        s3 += w3[j] * d
        s4 += w4[j] * d
        s5 += w5[j] * d
        s6 += w6[j] * d
        s7 += w7[j] * d
    sums[0] += s0
    sums[1] += s1
    sums[2] += s2
    sums[3] += s3
    sums[4] += s4
    sums[5] += s5
    sums[6] += s6
    sums[7] += s7


@glue
def _add_four(weights, deltas, k, out):
    w0, w1, w2, w3 = row(weights, k), row(weights, k + 1), row(weights, k + 2), row(weights, k + 3)
    sums = vector(out, k, 4)
    s0 = s1 = s2 = s3 = out.dtype.type(0)
    for j in range(weights.shape[1]):
        d = deltas[j]
        s0 += w0[j] * d
        s1 += w1[j] * d
        s2 += w2[j] * d
        s3 += w3[j] * d
    sums[0] += s0
    sums[1] += s1
    sums[2] += s2
    sums[3] += s3


@sum_of_outer_products.register(Alone)
def _(team, inputs, deltas, first, n, out):
    standalone()
    write_rows(inputs, deltas, first, n, 0 * n, out.shape[0], out)


@glue
def write_rows(
    inputs: np.ndarray,
    deltas: np.ndarray,
    first: int,
    n: int,
    start: int,
    stop: int,
    out: np.ndarray,
) -> None:
    """Write the rows from `start` to `stop` of what `sum_of_outer_products` writes."""
    if stop - start == 1:
        _one_row(inputs, deltas, first, n, start, row(out, start))
    for i in range(start, stop - 1, 2):
        _two_rows(inputs, deltas, first, n, i, row(out, i), row(out, i + 1))
    if stop - start > 1 and (stop - start) % 2 == 1:
        # Cheaper to write one row twice than one alone.
        _two_rows(inputs, deltas, first, n, stop - 2, row(out, stop - 2), row(out, stop - 1))


@kernel
def _two_rows(inputs, deltas, first, n, i, upper, lower):
    """Write rows `i` and `i` + 1; each load of the deltas serves both."""
    standalone()
    columns = upper.size
    for j in range(columns):
        upper[j] = 0
        lower[j] = 0
    blocked = n - n % 4
    for t in range(0, blocked, 4):
        u0, u1, u2, u3 = inputs[t, i], inputs[t + 1, i], inputs[t + 2, i], inputs[t + 3, i]
        k = i + 1
        l0, l1, l2, l3 = inputs[t, k], inputs[t + 1, k], inputs[t + 2, k], inputs[t + 3, k]
        # Views, since an index such as first + j might wrap around and would not vectorise.
        d0 = vector(row(deltas, t), first, columns)
        d1 = vector(row(deltas, t + 1), first, columns)
        d2 = vector(row(deltas, t + 2), first, columns)
        d3 = vector(row(deltas, t + 3), first, columns)
        for j in range(columns):
            upper[j] += u0 * d0[j] + u1 * d1[j] + u2 * d2[j] + u3 * d3[j]
            lower[j] += l0 * d0[j] + l1 * d1[j] + l2 * d2[j] + l3 * d3[j]
    for t in range(blocked, n):
        u0, l0 = inputs[t, i], inputs[t, i + 1]
        d0 = vector(row(deltas, t), first, columns)
        for j in range(columns):
            upper[j] += u0 * d0[j]
            lower[j] += l0 * d0[j]


@kernel
def _one_row(inputs, deltas, first, n, i, out):
    standalone()
    columns = out.size
    for j in range(columns):
        out[j] = 0
    for t in range(n):
        value = inputs[t, i]
        delta = vector(row(deltas, t), first, columns)
        for j in range(columns):
            out[j] += value * delta[j]


@kernel
def sum_of_rows(deltas: np.ndarray, first: int, n: int, out: np.ndarray) -> None:
    """Write the sum of ``deltas[:n, first:]`` over its rows to `out`: the gradient of a bias."""
    standalone()
    columns = out.size
    for j in range(columns):
        out[j] = 0
    blocked = n - n % 4
    for t in range(0, blocked, 4):
        d0 = vector(row(deltas, t), first, columns)
        d1 = vector(row(deltas, t + 1), first, columns)
        d2 = vector(row(deltas, t + 2), first, columns)
        d3 = vector(row(deltas, t + 3), first, columns)
        for j in range(columns):
            out[j] += d0[j] + d1[j] + d2[j] + d3[j]
    for t in range(blocked, n):
        d0 = vector(row(deltas, t), first, columns)
        for j in range(columns):
            out[j] += d0[j]


@kernel
def copy(source: np.ndarray, n: int, target: np.ndarray) -> None:
    """Copy the first `n` elements of one vector into another."""
    standalone()
    for i in range(n):
        target[i] = source[i]


@glue
def fill(target: np.ndarray, value: float) -> None:
    """Set every element of a vector."""
    for i in range(target.size):
        target[i] = value


@glue
def scale(factor: float, values: np.ndarray) -> None:
    """Multiply a vector by a factor."""
    if factor != 1.0:
        real = values.dtype.type(factor)
        for i in range(values.size):
            values[i] *= real


#: Squares are summed in so many blocks, the last of which may be shorter, and these in their order:
#: so the sum does not depend on who sums which block.
N_SQUARES, _LEAST_BLOCK = 64, 1 << 14


@glue
def squares_block(size: int) -> int:
    """Return the length of a block of squares in a vector of `size` elements."""
    even = (size // N_SQUARES + ALIGNMENT) // ALIGNMENT * ALIGNMENT
    return even if even > _LEAST_BLOCK else _LEAST_BLOCK


@kernel
def squares_of_block(values: np.ndarray, block: int) -> float:
    """Sum the squares in one block of a vector, in the vector's own precision."""
    standalone()
    length = squares_block(values.size)
    start = block * length
    left = values.size - start
    part = vector(values, start, length if length < left else left)
    total = values.dtype.type(0)
    for i in range(part.size):
        total += part[i] * part[i]
    return total


@sum_of_squares.register(Alone)
def _(team, values):
    total = values.dtype.type(0)
    length = squares_block(values.size)
    for block in range((values.size + length - 1) // length):
        total = plus(total, squares_of_block(values, block))
    return finite_sum(total, values)


@kernel
def plus(a: float, b: float) -> float:
    """Return a + b. As a call, since additions written out in a loop may be re-ordered."""
    standalone()
    return a + b


@glue
def finite_sum(total: float, values: np.ndarray) -> float:
    """Return `total`, the squares of `values`, or their sum in float64 if it has overflown."""
    exact: float = np.float64(total)
    # A comparison, since isfinite(x) compiles to a test of x - x, which LLVM may take for 0 where
    # sums may be re-associated.
    if not total < math.inf:
        exact = 0.0
        for i in range(values.size):
            value = np.float64(values[i])  # float() would leave it in single precision
            exact += value * value
    return exact
