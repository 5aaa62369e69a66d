"""How `Lanes` do what a thread alone does: the engine's functions of a team, handed out as jobs."""

from __future__ import annotations

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.actions import (
    Add,
    Clamp,
    Copy,
    ExactSquares,
    Fill,
    FindBad,
    Scale,
    Squares,
    add_together,
    are_finite,
    clamp_together,
    copy_together,
    each,
    each_number,
    fill_together,
    scale_together,
)
from streamrnn.gradients.sweep import errors_of_layer_below, sweep_layer, weight_gradient
from streamrnn.lanes.actions import (
    Measure,
    Move,
    do_each,
    each_with_figures,
    keep_update,
)
from streamrnn.lanes.products import (
    do_below,
    do_gradient,
    do_product,
    do_transposed,
    n_partial,
    n_parts,
    row_width,
)
from streamrnn.lanes.steps import do_step, do_sweep
from streamrnn.lanes.team import (
    BELOW,
    EACH,
    GRADIENT,
    KIND,
    PRODUCT,
    STEP,
    SWEEP,
    TRANSPOSED,
    Lanes,
    do_total,
    hand_out,
    lanes_at,
    n_lanes,
    perform,
)
from streamrnn.linalg import add_product, add_transposed_product, sum_of_squares
from streamrnn.motion import move_part
from streamrnn.network import layer_step
from streamrnn.sharing import assist, begin, end, meet
from streamrnn.team import is_elementwise, move, sum_of_measures
from streamrnn.views import address_of, keep, matrix, row

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
    return each_with_figures(team, action, a, b, c)


@copy_together.register(Lanes)
def _(team, source, n, target):
    first, second = matrix(source, 0, 1, n), matrix(target, 0, 1, n)
    each(team, Copy(), first, second, second)


@fill_together.register(Lanes)
def _(team, target, value):
    each_number(team, Fill(value), target, target)


@scale_together.register(Lanes)
def _(team, factor, values):
    if factor != 1.0:
        each_number(team, Scale(factor), values, values)


@add_together.register(Lanes)
def _(team, factor, a, b):
    each_number(team, Add(factor), a, b)


@clamp_together.register(Lanes)
def _(team, bound, values):
    return each_number(team, Clamp(bound), values, values) > 0.0


@are_finite.register(Lanes)
def _(team, rows):
    return each(team, FindBad(), rows, rows, rows) == 0.0


@layer_step.register(Lanes)
def _(team, cell, sizes, weights, n, x, before, after, factors, pre):
    matrices = address_of(weights.inputs), address_of(weights.states), n
    states = address_of(x), address_of(before), address_of(after), address_of(factors)
    gates = sizes.gates, sizes.input_gates, sizes.state_gates
    H, rows = sizes.hidden_size, (sizes.n_states, sizes.n_factors)
    parts = n_parts(n_lanes(team), sizes.gates * H, n + H)
    job = *matrices, *states, address_of(pre), H, *gates, *rows, parts
    hand_out(team, STEP, 2, job)


@sweep_layer.register(Lanes)
def _(team, cell, sizes, weights, work, ring, slot, n, n_errors):
    of_work = address_of(weights), address_of(work.deltas), address_of(work.errors)
    places = *of_work, address_of(ring.factors), address_of(work.d_state)
    gates = sizes.hidden_size, sizes.gates, sizes.state_gates, sizes.n_states, sizes.n_factors
    width = row_width(n_lanes(team), sizes.hidden_size, sizes.state_gates * sizes.hidden_size)
    job = *places, *gates, sizes.truncation, slot, n, n_errors, width
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


@glue
def _has_room(team, rows, columns):
    """Say whether parts of such a product have room: a head may have a matrix of any shape."""
    return n_partial(n_lanes(team), rows, columns) <= team.partial.shape[1]


@add_product.register(Lanes)
def _(team, weights, values, n, out):
    if not _has_room(team, n, out.size):
        for i in range(n):
            each_number(team, Add(np.float64(values[i])), row(weights, i), out)
        return
    parts = n_parts(n_lanes(team), out.size, n)
    job = address_of(weights), out.size, address_of(values), n, address_of(out), parts
    hand_out(team, PRODUCT, 2, job)


@add_transposed_product.register(Lanes)
def _(team, weights, deltas, n, turn, out):
    columns = weights.shape[1]
    if not _has_room(team, n, columns):
        for i in range(n):  # by main alone
            for j in range(columns):
                out[i] += weights[i, j] * deltas[j]
        return
    width = row_width(n_lanes(team), n, columns)
    job = address_of(weights), columns, address_of(deltas), n, address_of(out), width
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
    keep_update(team, optimizer, step)
    mine = matrix(gradient, 0, 1, gradient.size)
    return each_with_figures(team, Measure(), mine, mine, slots)


@move.register(Lanes)
def _(team, optimizer, step, parameters, gradient, slots):
    if not is_elementwise(optimizer):
        move_part(optimizer, step, parameters, gradient, slots)
        return
    keep_update(team, optimizer, step)
    n = gradient.size
    mine, slope = matrix(parameters, 0, 1, n), matrix(gradient, 0, 1, n)
    each_with_figures(team, Move(), mine, slope, slots)


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
        do_each(team, lane)
    else:
        do_total(team, lane)
