"""The jobs that lanes do: what part of each is one lane's, in each of its phases.

Sums over many values are cut into parts, one a lane, which are added up in the next phase in a
fixed order: numbers depend on how many lanes there are, and on nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

from streamrnn._dispatch import glue, kernel
from streamrnn.cells.protocol import backward, forward
from streamrnn.lanes import JOB, TOTALS, Lanes
from streamrnn.views import matrix, matrix_at, record, row, stripe, vector

#: The kinds of jobs.
STEP, SWEEP, GRADIENT, BELOW, PRODUCT, TRANSPOSED, EACH, TOTAL = range(8)

#: A part of a sum has no fewer values than this, or handing it over costs more.
_LEAST_PART = 16

#: Lanes that share a row of a product with a transposed matrix, at least: what they read side by
#: side is one transaction of the memory.
_LEAST_WIDTH = 8

#: Rows of a weight gradient that one lane makes at once: each delta that it reads serves all.
TILE = 8


class StepJob(NamedTuple):
    """One step of a layer: see `layer_step`. Names without a comment are addresses or sizes."""

    of_input: int = 0  # the weights
    of_state: int = 0
    n: int = 0  # inputs
    x: int = 0
    before: int = 0
    after: int = 0
    factors: int = 0
    pre: int = 0
    H: int = 0
    gates: int = 0
    input_gates: int = 0
    state_gates: int = 0
    n_states: int = 0
    n_factors: int = 0


class SweepJob(NamedTuple):
    """The way back through one layer's window: see `sweep_layer`."""

    weights: int = 0
    deltas: int = 0
    errors: int = 0
    factors: int = 0
    d_state: int = 0
    H: int = 0
    gates: int = 0
    state_gates: int = 0
    n_states: int = 0
    n_factors: int = 0
    K: int = 0
    slot: int = 0
    n: int = 0
    n_errors: int = 0


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
    """`add_product`, or `add_transposed_product`."""

    weights: int = 0
    columns: int = 0
    values: int = 0
    n: int = 0
    out: int = 0


_STEP, _SWEEP, _GRADIENT, _BELOW = StepJob(), SweepJob(), GradientJob(), BelowJob()
_PRODUCT = ProductJob()


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
def _lanes(team):
    return team.sums.shape[1]


# --- a step of a layer


@kernel
def do_step(team: Lanes, phase: int, lane: int) -> None:
    """Do a part of a `StepJob`: the products, then the cell."""
    job = record(_STEP, row(team.words, 0), JOB)
    parts = n_parts(_lanes(team), job.gates * job.H, job.n + job.H)
    if phase == 0:
        _add_inputs(team, job, lane, parts)
    else:
        _step_units(team, job, lane, parts)


@glue
def _add_inputs(team, job, lane, parts):
    real, H, n = team.real, job.H, job.n
    columns, reached = job.gates * H, job.input_gates * H
    first = columns - job.state_gates * H
    of_input = matrix_at(job.of_input, n + 1, reached, real)
    of_state = matrix_at(job.of_state, H + 1, job.state_gates * H, real)
    x, h = matrix_at(job.x, 1, n, real), matrix_at(job.before, 1, H, real)
    for unit in range(lane, columns * parts, _lanes(team)):
        part, j = unit // columns, unit % columns
        total = team.partial.dtype.type(0)
        if j < reached:
            for i in range(part, n, parts):
                total += x[0, i] * of_input[i, j]
        if j >= first:
            for i in range(part, H, parts):
                total += h[0, i] * of_state[i, j - first]
        team.partial[0, unit] = total


@glue
def _step_units(team, job, lane, parts):
    real, H, lanes = team.real, job.H, _lanes(team)
    columns, reached = job.gates * H, job.input_gates * H
    first = columns - job.state_gates * H
    of_input = matrix_at(job.of_input, job.n + 1, reached, real)
    of_state = matrix_at(job.of_state, H + 1, job.state_gates * H, real)
    pre = matrix_at(job.pre, job.gates, H, real)
    for unit in range(lane, H, lanes):
        for gate in range(job.gates):
            j = gate * H + unit
            total = team.partial.dtype.type(0)
            if j < reached:
                total += of_input[job.n, j]
            if j >= first:
                total += of_state[H, j - first]
            for part in range(parts):
                total += team.partial[0, part * columns + j]
            pre[gate, unit] = total
    forward(
        team.cell,
        stripe(pre, lane, lanes),
        stripe(matrix_at(job.before, job.n_states, H, real), lane, lanes),
        stripe(matrix_at(job.after, job.n_states, H, real), lane, lanes),
        stripe(matrix_at(job.factors, job.n_factors, H, real), lane, lanes),
    )


# --- the way back through a layer's window


@kernel
def do_sweep(team: Lanes, phase: int, lane: int) -> None:
    """Do a part of a `SweepJob`: in turn the units of a step, and the product that leads back."""
    job = record(_SWEEP, row(team.words, 0), JOB)
    back = phase // 2
    r = (job.slot - back) % job.K
    columns = job.state_gates * job.H
    width = row_width(_lanes(team), job.H, columns)
    deltas = matrix_at(job.deltas, job.K, job.gates * job.H, team.real)
    if phase % 2 == 0:
        _sweep_units(team, job, lane, back, r, width, deltas)
    else:
        weights = matrix_at(job.weights, job.H, columns, team.real)
        of_state = (job.gates - job.state_gates) * job.H
        _part_of_rows(team, weights, vector(row(deltas, r), of_state, columns), lane, width)


@glue
def _sweep_units(team, job, lane, back, r, width, deltas):
    real, H, lanes = team.real, job.H, _lanes(team)
    d_state = matrix_at(job.d_state, job.n_states, H, real)
    errors = matrix_at(job.errors, job.K, H, real)
    for unit in range(lane, H, lanes):
        total = team.partial.dtype.type(0)
        if back == 0:
            for i in range(job.n_states):
                d_state[i, unit] = 0
        else:
            total = d_state[0, unit]
            for part in range(width):
                total += team.partial[0, part * H + unit]
        if back < job.n_errors:
            total += errors[r, unit]
        d_state[0, unit] = total
    factors = matrix_at(job.factors, job.K, job.n_factors * H, real)
    backward(
        team.cell,
        stripe(matrix(row(factors, r), 0, job.n_factors, H), lane, lanes),
        stripe(d_state, lane, lanes),
        stripe(matrix(row(deltas, r), 0, job.gates, H), lane, lanes),
    )


@glue
def _part_of_rows(team, weights, deltas, lane, width):
    """Write each row's product with `deltas` in `width` parts.

    Each row begins at another column, so that lanes side by side read from different banks of the
    shared memory.
    """
    rows, columns = weights.shape
    for unit in range(lane, rows * width, _lanes(team)):
        k, part = unit // width, unit % width
        start = k * width % columns
        total = team.partial.dtype.type(0)
        for i in range(part + start, columns, width):
            total += weights[k, i] * deltas[i]
        for i in range(part, start, width):
            total += weights[k, i] * deltas[i]
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
    for unit in range(lane, lines * columns, _lanes(team)):
        line, j = unit // columns, unit % columns
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
    for unit in range(lane, job.n * H, _lanes(team)):
        r, k = unit // H, unit % H
        start = k % columns
        total = team.partial.dtype.type(0)
        for i in range(start, columns):
            total += weights[k, i] * deltas[r, i]
        for i in range(start):
            total += weights[k, i] * deltas[r, i]
        errors[r, k] = total


# --- products with any matrix


@kernel
def do_product(team: Lanes, phase: int, lane: int) -> None:
    """Do a part of `add_product`: parts of the sums, then the sums."""
    job = record(_PRODUCT, row(team.words, 0), JOB)
    real, columns, lanes = team.real, job.columns, _lanes(team)
    parts = n_parts(lanes, columns, job.n)
    if phase == 0:
        weights = matrix_at(job.weights, job.n, columns, real)
        values = matrix_at(job.values, 1, job.n, real)
        for unit in range(lane, columns * parts, lanes):
            part, j = unit // columns, unit % columns
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
    width = row_width(_lanes(team), job.n, columns)
    if phase == 0:
        weights = matrix_at(job.weights, job.n, columns, real)
        values = row(matrix_at(job.values, 1, columns, real), 0)
        _part_of_rows(team, weights, values, lane, width)
    else:
        _add_parts(team, matrix_at(job.out, 1, job.n, real), width, lane)


@glue
def _add_parts(team, out, parts, lane):
    n = out.shape[1]
    for j in range(lane, n, _lanes(team)):
        total = out[0, j]
        for part in range(parts):
            total += team.partial[0, part * n + j]
        out[0, j] = total


# --- adding up what lanes have added up


@kernel
def do_total(team: Lanes, lane: int) -> None:
    """Add up a segment of the lanes' sums."""
    totals = vector(row(team.figures, 0), TOTALS, team.figures.shape[1] - TOTALS)
    lanes, n = _lanes(team), totals.size
    for segment in range(lane, n, lanes):
        total = 0.0
        for i in range(segment * lanes // n, (segment + 1) * lanes // n):
            total += team.sums[0, i]
        totals[segment] = total
