"""Products and weight gradients as jobs of lanes: what part of each is one lane's, in each phase.

Sums over many values are cut into parts, one a lane, which are added up in the next phase in a
fixed order: numbers depend on how many lanes there are, and on nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue, kernel
from streamrnn.lanes.team import JOB, Lanes, n_lanes, split
from streamrnn.views import matrix_at, record, row, vector

#: A part of a sum has no fewer values than this, or handing it over costs more.
_LEAST_PART = 16

#: Lanes that share a row of a product with a transposed matrix, at least: what they read side by
#: side is one transaction of the memory.
_LEAST_WIDTH = 8

#: Rows of a weight gradient that one lane makes at once: each delta that it reads serves all.
TILE = 8


class GradientJob(NamedTuple):
    """The gradient of a weight matrix and its bias: see `weight_gradient`."""

    inputs: int = 0
    length: int = 0  # of a row of the inputs
    rows: int = 0  # of the matrix, without its bias
    deltas: int = 0
    width: int = 0  # of a row of the deltas
    first: int = 0
    n: int = 0
    out: int = 0
    columns: int = 0


class BelowJob(NamedTuple):
    """The errors of the layer below: see `errors_of_layer_below`."""

    weights: int = 0
    deltas: int = 0
    errors: int = 0
    H: int = 0
    gates: int = 0
    input_gates: int = 0
    n: int = 0


class ProductJob(NamedTuple):
    """`add_product`, or `add_transposed_product`. Main says into how many parts sums are cut."""

    weights: int = 0
    columns: int = 0
    values: int = 0
    n: int = 0
    out: int = 0
    parts: int = 0


_GRADIENT, _BELOW, _PRODUCT = GradientJob(), BelowJob(), ProductJob()


@glue
def n_parts(lanes: int, columns: int, values: int) -> int:
    """Return into how many parts lanes cut the sums of `columns` products of `values` each."""
    spare, worth = lanes // columns, values // _LEAST_PART
    n = spare if spare < worth else worth
    return n if n > 1 else 1


@glue
def row_width(lanes: int, rows: int, columns: int) -> int:
    """Return how many lanes share a row of `columns` values, a power of two that divides them."""
    wanted = lanes // rows
    wanted = wanted if wanted > _LEAST_WIDTH else _LEAST_WIDTH
    width = 1
    while width * 2 <= wanted and columns % (width * 2) == 0:
        width *= 2
    return width


@glue
def n_partial(lanes: int, rows: int, columns: int) -> int:
    """Return how many parts of sums there may be of a matrix with so many rows and columns."""
    of_columns = lanes if lanes > columns else columns
    of_rows = lanes if lanes > rows * _LEAST_WIDTH else rows * _LEAST_WIDTH
    return of_columns if of_columns > of_rows else of_rows


@glue
def part_of_rows(
    team: Lanes, weights: np.ndarray, deltas: np.ndarray, lane: int, width: int
) -> None:
    """Write each row's product with `deltas` in `width` parts.

    Rows side by side begin at different columns, so that the lanes of a warp, with eight to a row,
    read from all banks of the shared memory.
    """
    rows, columns = weights.shape
    for unit in range(lane, rows * width, n_lanes(team)):
        k, part = split(unit, width)
        of_row = row(weights, k)
        start = (k & 3) * width if 4 * width <= columns else 0
        total = team.partial.dtype.type(0)
        for i in range(part + start, columns, width):
            total += of_row[i] * deltas[i]
        for i in range(part, start, width):
            total += of_row[i] * deltas[i]
        team.partial[0, part * rows + k] = total


# --- the gradient of a weight matrix


@kernel
def do_gradient(team: Lanes, lane: int) -> None:
    """Do a part of a `GradientJob`."""
    job = record(_GRADIENT, row(team.words, 0), JOB)
    real, rows, columns = team.real, job.rows, job.columns
    inputs = matrix_at(job.inputs, job.n, job.length, real)
    deltas = matrix_at(job.deltas, job.n, job.width, real)
    out = matrix_at(job.out, rows + 1, columns, real)
    tiles = rows // TILE
    lines = tiles + rows % TILE + 1
    for unit in range(lane, lines * columns, n_lanes(team)):
        line, j = split(unit, columns)
        if line < tiles:
            _write_tile(inputs, deltas, job.first + j, job.n, line * TILE, j, out)
        else:
            i = line - tiles + tiles * TILE
            total = team.partial.dtype.type(0)
            for t in range(job.n):
                delta = deltas[t, job.first + j]
                total += delta if i == rows else inputs[t, i] * delta
            out[i, j] = total


@glue
def _write_tile(inputs, deltas, column, n, i, j, out):
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = out.dtype.type(0)
    for t in range(n):
        delta, values = deltas[t, column], vector(row(inputs, t), i, TILE)
        s0 += values[0] * delta
        s1 += values[1] * delta
        s2 += values[2] * delta
        s3 += values[3] * delta
        s4 += values[4] * delta
        s5 += values[5] * delta
        s6 += values[6] * delta
        s7 += values[7] * delta
    out[i, j] = s0
    out[i + 1, j] = s1
    out[i + 2, j] = s2
    out[i + 3, j] = s3
    out[i + 4, j] = s4
    out[i + 5, j] = s5
    out[i + 6, j] = s6
    out[i + 7, j] = s7


@kernel
def do_below(team: Lanes, lane: int) -> None:
    """Do a part of a `BelowJob`."""
    job = record(_BELOW, row(team.words, 0), JOB)
    real, H, columns = team.real, job.H, job.input_gates * job.H
    weights = matrix_at(job.weights, H, columns, real)
    deltas = matrix_at(job.deltas, job.n, job.gates * H, real)
    errors = matrix_at(job.errors, job.n, H, real)
    for unit in range(lane, job.n * H, n_lanes(team)):
        r, k = split(unit, H)
        of_row, delta = row(weights, k), row(deltas, r)
        start = k if k < columns else 0  # another bank of the shared memory for each row
        total = team.partial.dtype.type(0)
        for i in range(start, columns):
            total += of_row[i] * delta[i]
        for i in range(start):
            total += of_row[i] * delta[i]
        errors[r, k] = total


# --- products with any matrix


@kernel
def do_product(team: Lanes, phase: int, lane: int) -> None:
    """Do a part of `add_product`: parts of the sums, then the sums."""
    job = record(_PRODUCT, row(team.words, 0), JOB)
    real, columns, lanes = team.real, job.columns, n_lanes(team)
    parts = job.parts
    if phase == 0:
        weights = matrix_at(job.weights, job.n, columns, real)
        values = matrix_at(job.values, 1, job.n, real)
        for unit in range(lane, columns * parts, lanes):
            part, j = split(unit, columns)
            total = team.partial.dtype.type(0)
            for i in range(part, job.n, parts):
                total += values[0, i] * weights[i, j]
            team.partial[0, unit] = total
    else:
        _add_parts(team, matrix_at(job.out, 1, columns, real), parts, lane)


@kernel
def do_transposed(team: Lanes, phase: int, lane: int) -> None:
    """Do a part of `add_transposed_product`: parts of the sums, then the sums."""
    job = record(_PRODUCT, row(team.words, 0), JOB)
    real, columns = team.real, job.columns
    if phase == 0:
        weights = matrix_at(job.weights, job.n, columns, real)
        values = row(matrix_at(job.values, 1, columns, real), 0)
        part_of_rows(team, weights, values, lane, job.parts)
    else:
        _add_parts(team, matrix_at(job.out, 1, job.n, real), job.parts, lane)


@glue
def _add_parts(team, out, parts, lane):
    n = out.shape[1]
    for j in range(lane, n, n_lanes(team)):
        total = out[0, j]
        for part in range(parts):
            total += team.partial[0, part * n + j]
        out[0, j] = total
