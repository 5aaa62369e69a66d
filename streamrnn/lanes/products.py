"""Products and weight gradients as jobs of lanes: what part of each is one lane's, in each phase.

Sums over many values are cut into parts, one a lane, which are added up in the next phase in a
fixed order: numbers depend on how many lanes there are, and on nothing else.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import glue, kernel, view
from streamrnn.lanes.sums import (
    TILE,
    add_column,
    add_outer,
    add_products,
    add_spaced,
    write_tile,
)
from streamrnn.lanes.team import JOB, Lanes, n_lanes, split
from streamrnn.views import item, matrix_at, put, record, row

#: A part of a sum has no fewer values than this, or handing it over costs more.
_LEAST_PART = 16

#: Lanes that share a row of a product with a transposed matrix, at least: what they read side by
#: side is one transaction of the memory.
_LEAST_WIDTH = 8


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


@view
def vector_at(address: int, size: int, real: Any) -> np.ndarray:
    """View a vector from an address on."""
    return row(matrix_at(address, 1, size, real), 0)


@glue
def part_of_rows(
    team: Lanes, weights: np.ndarray, deltas: np.ndarray, lane: int, width: int
) -> None:
    """Write each row's product with `deltas` in `width` parts.

    Rows side by side begin at different columns, so that the lanes of a warp, with eight to a row,
    read from all banks of the shared memory.
    """
    rows, columns = weights.shape
    partial, lanes = row(team.partial, 0), n_lanes(team)
    unit = lane
    while unit < rows * width:
        k, part = split(unit, width)
        of_row = row(weights, k)
        start = (k & 3) * width if 4 * width <= columns else 0
        total = partial.dtype.type(0)
        total = add_products(total, of_row, deltas, part + start, columns, width)
        total = add_products(total, of_row, deltas, part, start, width)
        put(partial, part * rows + k, total)
        unit += lanes


# --- the gradient of a weight matrix


@kernel
def do_gradient(team: Lanes, lane: int) -> None:
    """Do a part of a `GradientJob`."""
    job = record(_GRADIENT, row(team.words, 0), JOB)
    rows, columns, lanes = job.rows, job.columns, n_lanes(team)
    tiles = rows // TILE
    lines = tiles + rows % TILE + 1
    inputs = vector_at(job.inputs, job.n * job.length, team.real)
    deltas = vector_at(job.deltas, job.n * job.width, team.real)
    out = vector_at(job.out, (rows + 1) * columns, team.real)
    unit = lane
    while unit < lines * columns:
        line, j = split(unit, columns)
        place, at = job.first + j, line * TILE
        if line < tiles:
            here = at * columns + j
            write_tile(inputs, job.length, at, deltas, job.width, place, job.n, out, here, columns)
        else:
            i, total = line - tiles + tiles * TILE, out.dtype.type(0)
            if i == rows:
                total = add_spaced(total, deltas, place, job.n, job.width)
            else:
                total = add_outer(total, inputs, job.length, i, deltas, job.width, place, job.n)
            put(out, i * columns + j, total)
        unit += lanes


@kernel
def do_below(team: Lanes, lane: int) -> None:
    """Do a part of a `BelowJob`."""
    job = record(_BELOW, row(team.words, 0), JOB)
    real, H, columns = team.real, job.H, job.input_gates * job.H
    weights = matrix_at(job.weights, H, columns, real)
    deltas = matrix_at(job.deltas, job.n, job.gates * H, real)
    errors, lanes = vector_at(job.errors, job.n * H, real), n_lanes(team)
    unit = lane
    while unit < job.n * H:
        r, k = split(unit, H)
        of_row, delta = row(weights, k), row(deltas, r)
        start = k if k < columns else 0  # another bank of the shared memory for each row
        total = add_products(errors.dtype.type(0), of_row, delta, start, columns, 1)
        put(errors, unit, add_products(total, of_row, delta, 0, start, 1))
        unit += lanes


# --- products with any matrix


@kernel
def do_product(team: Lanes, phase: int, lane: int) -> None:
    """Do a part of `add_product`: parts of the sums, then the sums."""
    job = record(_PRODUCT, row(team.words, 0), JOB)
    columns, parts, lanes = job.columns, job.parts, n_lanes(team)
    if phase == 0:
        weights = vector_at(job.weights, job.n * columns, team.real)
        values = vector_at(job.values, job.n, team.real)
        partial = row(team.partial, 0)
        unit = lane
        while unit < columns * parts:
            part, j = split(unit, columns)
            total = partial.dtype.type(0)
            total = add_column(total, values, weights, columns, j, part, job.n, parts)
            put(partial, unit, total)
            unit += lanes
    else:
        _add_parts(team, vector_at(job.out, columns, team.real), parts, lane)


@kernel
def do_transposed(team: Lanes, phase: int, lane: int) -> None:
    """Do a part of `add_transposed_product`: parts of the sums, then the sums."""
    job = record(_PRODUCT, row(team.words, 0), JOB)
    if phase == 0:
        weights = matrix_at(job.weights, job.n, job.columns, team.real)
        values = vector_at(job.values, job.columns, team.real)
        part_of_rows(team, weights, values, lane, job.parts)
    else:
        _add_parts(team, vector_at(job.out, job.n, team.real), job.parts, lane)


@glue
def _add_parts(team, out, parts, lane):
    n, lanes, partial = out.size, n_lanes(team), row(team.partial, 0)
    j = lane
    while j < n:
        put(out, j, add_spaced(item(out, j), partial, j, parts, n))
        j += lanes
