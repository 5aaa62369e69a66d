"""What a team does together: the forms for `Team` of the products in `linalg`, and of the update.

See `sharing` for how it is done.
"""

from __future__ import annotations

import numpy as np

from streamrnn._dispatch import by_type, compiled_as
from streamrnn.jobs import (
    GRADIENT,
    MEASURE,
    MOVE,
    NUMBERS,
    PRODUCT,
    SQUARES,
    SQUARES_AT,
    TRANSPOSED,
    Team,
)
from streamrnn.linalg import (
    Alone,
    add_product,
    add_transposed_product,
    finite_sum,
    plus,
    squares_block,
    sum_of_outer_products,
    sum_of_squares,
)
from streamrnn.motion import Step, move_part
from streamrnn.pacing import measured_block
from streamrnn.sharing import is_shared, share
from streamrnn.views import address_of, keep

#: Parameters are shared in blocks of so many, so that loops over parts leave no other remainders.
_ELEMENTS = 1 << 10


@by_type
def move(
    team: tuple,
    optimizer: tuple,
    step: Step,
    parameters: np.ndarray,
    gradient: np.ndarray,
    slots: np.ndarray,
) -> None:
    """Do what `move_part` does with all parameters, shared if the optimizer allows it."""


@by_type
def sum_of_measures(
    team: tuple, optimizer: tuple, step: Step, gradient: np.ndarray, slots: np.ndarray
) -> float:
    """Add up, in float64, what the optimizer measures of blocks of the parameters."""
    raise NotImplementedError


@sum_of_measures.register(Alone)
def _(team, optimizer, step, gradient, slots):
    total = 0.0
    length = squares_block(gradient.size)
    for block in range((gradient.size + length - 1) // length):
        total = plus(total, measured_block(optimizer, step.number, gradient, slots, block))
    return total


@move.register(Alone)
def _(team, optimizer, step, parameters, gradient, slots):
    move_part(optimizer, step, parameters, gradient, slots)


@add_product.register(Team)
def _(team, weights, values, n, out):
    columns = weights.shape[1]
    if is_shared(team, n * out.size):
        job = address_of(weights), columns, address_of(values), n, address_of(out)
        share(team, PRODUCT, job, out.size, 64, n * out.size)
    else:
        add_product(Alone(), weights, values, n, out)


@add_transposed_product.register(Team)
def _(team, weights, deltas, n, turn, out):
    columns = weights.shape[1]
    if is_shared(team, n * columns):
        job = address_of(weights), columns, address_of(deltas), turn, address_of(out)
        share(team, TRANSPOSED, job, n, 8, n * columns)
    else:
        add_transposed_product(Alone(), weights, deltas, n, turn, out)


@sum_of_outer_products.register(Team)
def _(team, inputs, deltas, first, n, out):
    rows, columns = out.shape
    if is_shared(team, n * rows * columns):
        of_inputs = address_of(inputs), inputs.shape[1], rows
        job = *of_inputs, address_of(deltas), deltas.shape[1], first, n, address_of(out), columns
        share(team, GRADIENT, job, rows, 2, n * rows * columns)
    else:
        sum_of_outer_products(Alone(), inputs, deltas, first, n, out)


@sum_of_squares.register(Team)
def _(team, values):
    if not is_shared(team, values.size):
        return sum_of_squares(Alone(), values)
    job = address_of(values), values.size
    length = squares_block(values.size)
    blocks = (values.size + length - 1) // length
    share(team, SQUARES, job, blocks, 1, values.size)
    total = values.dtype.type(0)
    for block in range(blocks):
        total = plus(total, values.dtype.type(team.figures[SQUARES_AT + block]))
    return finite_sum(total, values)


@sum_of_measures.register(Team)
def _(team, optimizer, step, gradient, slots):
    if not is_shared(team, gradient.size):
        return sum_of_measures(Alone(), optimizer, step, gradient, slots)
    keep(step, team.figures, 0)
    keep(optimizer, team.figures, NUMBERS)
    job = 0, address_of(gradient), address_of(slots), gradient.size, slots.shape[0]
    length = squares_block(gradient.size)
    blocks = (gradient.size + length - 1) // length
    share(team, MEASURE, job, blocks, 1, gradient.size)
    total = 0.0
    for block in range(blocks):
        total = plus(total, team.figures[SQUARES_AT + block])
    return total


@move.register(Team)
def _(team, optimizer, step, parameters, gradient, slots):
    if is_elementwise(optimizer) and is_shared(team, parameters.size):
        keep(step, team.figures, 0)
        keep(optimizer, team.figures, NUMBERS)
        at, gradient_at, slots_at = address_of(parameters), address_of(gradient), address_of(slots)
        job = at, gradient_at, slots_at, parameters.size, slots.shape[0]
        share(team, MOVE, job, parameters.size, _ELEMENTS, parameters.size)
    else:
        move_part(optimizer, step, parameters, gradient, slots)


def is_elementwise(optimizer: tuple) -> bool:
    """Say whether an optimizer moves each parameter without a look at the others."""
    return getattr(optimizer, "elementwise", False)


@compiled_as(is_elementwise)
def _emit_is_elementwise(optimizer):
    answer = getattr(optimizer.instance_class, "elementwise", False)
    return lambda optimizer: answer
