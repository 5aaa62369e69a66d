"""How `Lanes` do what a thread alone does: the engine's functions of a team, handed out as jobs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import compiled_as, glue, kernel
from streamrnn.actions import (
    Add,
    AddDistance,
    Clamp,
    Copy,
    CountBad,
    ExactSquares,
    Fill,
    Scale,
    ScaleColumns,
    SquareColumns,
    Squares,
    TakeProduct,
    act,
    each,
    each_number,
)
from streamrnn.gradients.sweep import errors_of_layer_below, sweep_layer, weight_gradient
from streamrnn.lane_jobs import (
    BELOW,
    EACH,
    GRADIENT,
    PRODUCT,
    STEP,
    SWEEP,
    TOTAL,
    TRANSPOSED,
    do_below,
    do_gradient,
    do_product,
    do_step,
    do_sweep,
    do_total,
    do_transposed,
)
from streamrnn.lanes import JOB, KIND, N_TOTALS, TOTALS, Lanes, hand_out, lanes_at, perform
from streamrnn.linalg import add_product, add_transposed_product, sum_of_squares
from streamrnn.motion import Step, move_part
from streamrnn.network import layer_step
from streamrnn.noise import AddNoise
from streamrnn.optimizers.protocol import measure
from streamrnn.pacing import is_measured
from streamrnn.sharing import assist, begin, end, meet
from streamrnn.team import is_elementwise, move, sum_of_measures
from streamrnn.views import address_of, keep, line, matrix, matrix_at, record, row, stripe


class Move(NamedTuple):
    """Move parameters by their gradient; the figures are a `Step`, then the optimizer's."""


class Measure(NamedTuple):
    """Add up what the optimizer measures; the figures as for `Move`."""


#: Actions that lanes know, by their numbers.
ACTIONS = (
    Copy,
    Fill,
    Scale,
    Add,
    AddDistance,
    Clamp,
    CountBad,
    Squares,
    ExactSquares,
    SquareColumns,
    ScaleColumns,
    TakeProduct,
    AddNoise,
    Move,
    Measure,
)

#: Those that add something up.
_ADDING = (Clamp, CountBad, Squares, ExactSquares, Measure)

_STEP, _OPTIMIZER_AT = Step(), len(Step())


class _EachJob(NamedTuple):
    """An action: its number, and addresses and shapes of what it is done to."""

    number: int = 0
    a: int = 0
    rows_a: int = 0
    b: int = 0
    rows_b: int = 0
    c: int = 0
    rows_c: int = 0
    columns_c: int = 0
    columns: int = 0


_EACH = _EachJob()


def number_of(action: Any) -> int:
    """Return the number of an action."""
    return ACTIONS.index(type(action))


@compiled_as(number_of)
def _emit_number_of(action):
    number = ACTIONS.index(action.instance_class)
    return lambda action: number


def is_adding(action: Any) -> bool:
    """Say whether an action adds something up."""
    return type(action) in _ADDING


@compiled_as(is_adding)
def _emit_is_adding(action):
    answer = action.instance_class in _ADDING
    return lambda action: answer


# --- coming together


@meet.register(Lanes)
def _(pattern, address, n_slots):
    return lanes_at(pattern, address, n_slots)


@begin.register(Lanes)
def _(team):
    pass


@end.register(Lanes)
def _(team):
    pass


@assist.register(Lanes)
def _(team, place):
    pass


# --- main's side


@each.register(Lanes)
def _(team, action, a, b, c):
    keep(action, row(team.figures, 0), 0)
    return _each_with_figures(team, action, a, b, c)


@glue
def _each_with_figures(team, action, a, b, c):
    of_b, of_c = (address_of(b), b.shape[0]), (address_of(c), c.shape[0], c.shape[1])
    job = number_of(action), address_of(a), a.shape[0], *of_b, *of_c, a.shape[1]
    hand_out(team, EACH, 1, job)
    total = 0.0
    if is_adding(action):
        hand_out(team, TOTAL, 1, (0,))
        for i in range(N_TOTALS):
            total += team.figures[0, TOTALS + i]
    return total


@layer_step.register(Lanes)
def _(team, cell, sizes, weights, n, x, before, after, factors, pre):
    matrices = address_of(weights.inputs), address_of(weights.states), n
    states = address_of(x), address_of(before), address_of(after), address_of(factors)
    gates = sizes.gates, sizes.input_gates, sizes.state_gates
    rows = sizes.n_states, sizes.n_factors
    job = *matrices, *states, address_of(pre), sizes.hidden_size, *gates, *rows
    hand_out(team, STEP, 2, job)


@sweep_layer.register(Lanes)
def _(team, cell, sizes, weights, work, ring, slot, n, n_errors):
    of_work = address_of(weights), address_of(work.deltas), address_of(work.errors)
    places = *of_work, address_of(ring.factors), address_of(work.d_state)
    gates = sizes.hidden_size, sizes.gates, sizes.state_gates, sizes.n_states, sizes.n_factors
    job = *places, *gates, sizes.truncation, slot, n, n_errors
    hand_out(team, SWEEP, 2 * n - 1, job)


@weight_gradient.register(Lanes)
def _(team, inputs, deltas, first, n, gradient):
    of_inputs = address_of(inputs), inputs.shape[1], gradient.shape[0] - 1
    of_deltas = address_of(deltas), deltas.shape[1], first, n
    job = *of_inputs, *of_deltas, address_of(gradient), gradient.shape[1]
    hand_out(team, GRADIENT, 1, job)


@errors_of_layer_below.register(Lanes)
def _(team, sizes, weights, work, n):
    places = address_of(weights), address_of(work.deltas), address_of(work.errors)
    job = *places, sizes.hidden_size, sizes.gates, sizes.input_gates, n
    hand_out(team, BELOW, 1, job)


@add_product.register(Lanes)
def _(team, weights, values, n, out):
    job = address_of(weights), out.size, address_of(values), n, address_of(out)
    hand_out(team, PRODUCT, 2, job)


@add_transposed_product.register(Lanes)
def _(team, weights, deltas, n, turn, out):
    job = address_of(weights), weights.shape[1], address_of(deltas), n, address_of(out)
    hand_out(team, TRANSPOSED, 2, job)


@sum_of_squares.register(Lanes)
def _(team, values):
    total = each_number(team, Squares(), values, values)
    # A comparison that NaN fails, too: squares that have overflown are added up in float64.
    if not total < np.inf:
        total = each_number(team, ExactSquares(), values, values)
    return total


@sum_of_measures.register(Lanes)
def _(team, optimizer, step, gradient, slots):
    _keep_update(team, optimizer, step)
    mine = matrix(gradient, 0, 1, gradient.size)
    return _each_with_figures(team, Measure(), mine, mine, slots)


@move.register(Lanes)
def _(team, optimizer, step, parameters, gradient, slots):
    if not is_elementwise(optimizer):
        move_part(optimizer, step, parameters, gradient, slots)
        return
    _keep_update(team, optimizer, step)
    n = gradient.size
    mine, slope = matrix(parameters, 0, 1, n), matrix(gradient, 0, 1, n)
    _each_with_figures(team, Move(), mine, slope, slots)


@glue
def _keep_update(team, optimizer, step):
    figures = row(team.figures, 0)
    keep(step, figures, 0)
    keep(optimizer, figures, _OPTIMIZER_AT)


# --- a lane's side


@perform.register(Lanes)
def _(team, phase, lane):
    kind = team.words[0, KIND]
    if kind == SWEEP:
        do_sweep(team, phase, lane)
    elif kind == STEP:
        do_step(team, phase, lane)
    elif kind == GRADIENT:
        do_gradient(team, lane)
    elif kind == BELOW:
        do_below(team, lane)
    elif kind == PRODUCT:
        do_product(team, phase, lane)
    elif kind == TRANSPOSED:
        do_transposed(team, phase, lane)
    elif kind == EACH:
        _do_each(team, lane)
    else:
        do_total(team, lane)


@kernel
def _do_each(team, lane):
    job = record(_EACH, row(team.words, 0), JOB)
    real, lanes = team.real, team.sums.shape[1]
    uncut = matrix_at(job.c, job.rows_c, job.columns_c, real)
    a = stripe(matrix_at(job.a, job.rows_a, job.columns, real), lane, lanes)
    b = stripe(matrix_at(job.b, job.rows_b, job.columns, real), lane, lanes)
    c = stripe(uncut, lane, lanes)
    team.sums[0, lane] = _do_part(team, job.number, a, b, c, uncut, lane, lanes)


@glue
def _do_part(team, number, a, b, c, uncut, lane, lanes):
    figures = row(team.figures, 0)
    total = 0.0
    if number == number_of(Copy()):
        total = act(Copy(), a, b, c, lane, lanes)
    elif number == number_of(Fill()):
        total = act(record(Fill(), figures, 0), a, b, c, lane, lanes)
    elif number == number_of(Scale()):
        total = act(record(Scale(), figures, 0), a, b, c, lane, lanes)
    elif number == number_of(Add()):
        total = act(record(Add(), figures, 0), a, b, c, lane, lanes)
    elif number == number_of(CountBad()):
        total = act(CountBad(), a, b, c, lane, lanes)
    elif number == number_of(Squares()):
        total = act(Squares(), a, b, c, lane, lanes)
    elif number == number_of(ExactSquares()):
        total = act(ExactSquares(), a, b, c, lane, lanes)
    elif number == number_of(TakeProduct()):
        total = act(record(TakeProduct(), figures, 0), a, b, uncut, lane, lanes)
    elif number == number_of(Move()):
        optimizer = record(team.optimizer, figures, _OPTIMIZER_AT)
        move_part(optimizer, record(_STEP, figures, 0), line(a), line(b), c)
    elif number == number_of(Measure()):
        total = _measured(team.optimizer, figures, a, c)
    else:
        total = _do_treatment(figures, number, a, b, c, lane, lanes)
    return total


@glue
def _do_treatment(figures, number, a, b, c, lane, lanes):
    """Do a part of an action that few models ask for."""
    total = 0.0
    if number == number_of(Clamp()):
        total = act(record(Clamp(), figures, 0), a, b, c, lane, lanes)
    elif number == number_of(AddDistance()):
        total = act(record(AddDistance(), figures, 0), a, b, c, lane, lanes)
    elif number == number_of(SquareColumns()):
        total = act(SquareColumns(), a, b, c, lane, lanes)
    elif number == number_of(ScaleColumns()):
        total = act(ScaleColumns(), a, b, c, lane, lanes)
    else:
        total = act(record(AddNoise(), figures, 0), a, b, c, lane, lanes)
    return total


def _measured(pattern: Any, figures: np.ndarray, a: np.ndarray, c: np.ndarray) -> float:
    if is_measured(pattern):
        return _measure(pattern, figures, a, c)
    return 0.0


@compiled_as(_measured)
def _emit_measured(pattern, figures, a, c):
    if not is_measured(pattern.instance_class):
        return lambda pattern, figures, a, c: 0.0
    return lambda pattern, figures, a, c: _measure(pattern, figures, a, c)


@glue
def _measure(pattern, figures, a, c):
    optimizer = record(pattern, figures, _OPTIMIZER_AT)
    number = np.intp(record(_STEP, figures, 0).number)
    return np.float64(measure(optimizer, number, line(a), c))
