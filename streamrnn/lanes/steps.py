"""A layer's step, and the way back through its window, as jobs of lanes: one unit is one lane's."""

from __future__ import annotations

from typing import NamedTuple

from streamrnn._dispatch import glue, kernel
from streamrnn.cells.protocol import backward, forward
from streamrnn.lanes.products import part_of_rows, vector_at
from streamrnn.lanes.sums import add_column, add_spaced
from streamrnn.lanes.team import JOB, Lanes, n_lanes, split
from streamrnn.views import item, matrix, matrix_at, put, record, row, stripe, vector


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
    parts: int = 0  # into which sums are cut


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
    width: int = 0  # lanes that share a row


_STEP, _SWEEP = StepJob(), SweepJob()


# --- a step of a layer


@kernel
def do_step(team: Lanes, phase: int, lane: int) -> None:
    """Do a part of a `StepJob`: the products, then the cell."""
    job = record(_STEP, row(team.words, 0), JOB)
    if phase == 0:
        _add_inputs(team, job, lane, job.parts)
    else:
        _step_units(team, job, lane, job.parts)


@glue
def _add_inputs(team, job, lane, parts):
    H, n, real = job.H, job.n, team.real
    columns, reached, back = job.gates * H, job.input_gates * H, job.state_gates * H
    of_input = vector_at(job.of_input, (n + 1) * reached, real)
    of_state = vector_at(job.of_state, (H + 1) * back, real)
    x, h = vector_at(job.x, n, real), vector_at(job.before, H, real)
    partial, lanes = row(team.partial, 0), n_lanes(team)
    unit = lane
    while unit < columns * parts:
        part, j = split(unit, columns)
        total = partial.dtype.type(0)
        if j < reached:
            total = add_column(total, x, of_input, reached, j, part, n, parts)
        if j >= columns - back:
            here = j - (columns - back)
            total = add_column(total, h, of_state, back, here, part, H, parts)
        put(partial, unit, total)
        unit += lanes


@glue
def _step_units(team, job, lane, parts):
    real, H, lanes = team.real, job.H, n_lanes(team)
    columns, reached, back = job.gates * H, job.input_gates * H, job.state_gates * H
    of_input = vector_at(job.of_input, (job.n + 1) * reached, real)
    of_state = vector_at(job.of_state, (H + 1) * back, real)
    pre, partial = matrix_at(job.pre, job.gates, H, real), row(team.partial, 0)
    unit = lane
    while unit < H:
        for gate in range(job.gates):
            j = gate * H + unit
            total = partial.dtype.type(0)
            if j < reached:
                total += item(of_input, job.n * reached + j)
            if j >= columns - back:
                total += item(of_state, H * back + j - (columns - back))
            pre[gate, unit] = add_spaced(total, partial, j, parts, columns)
        unit += lanes
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
    r = job.slot - back
    r = r if r >= 0 else r + job.K
    columns = job.state_gates * job.H
    deltas = matrix_at(job.deltas, job.K, job.gates * job.H, team.real)
    if phase % 2 == 0:
        _sweep_units(team, job, lane, back, r, job.width, deltas)
    else:
        weights = matrix_at(job.weights, job.H, columns, team.real)
        of_state = (job.gates - job.state_gates) * job.H
        part_of_rows(team, weights, vector(row(deltas, r), of_state, columns), lane, job.width)


@glue
def _sweep_units(team, job, lane, back, r, width, deltas):
    real, H, lanes = team.real, job.H, n_lanes(team)
    d_state = matrix_at(job.d_state, job.n_states, H, real)
    errors = matrix_at(job.errors, job.K, H, real)
    partial, unit = row(team.partial, 0), lane
    while unit < H:
        total = partial.dtype.type(0)
        if back == 0:
            for i in range(job.n_states):
                d_state[i, unit] = 0
        else:
            total = add_spaced(d_state[0, unit], partial, unit, width, H)
        if back < job.n_errors:
            total += errors[r, unit]
        d_state[0, unit] = total
        unit += lanes
    factors = matrix_at(job.factors, job.K, job.n_factors * H, real)
    backward(
        team.cell,
        stripe(matrix(row(factors, r), 0, job.n_factors, H), lane, lanes),
        stripe(d_state, lane, lanes),
        stripe(matrix(row(deltas, r), 0, job.gates, H), lane, lanes),
    )
