"""Several cores at one sample: a wide model's products and updates, shared with helper threads.

One thread, the *main* one, runs a model; helpers are threads that run `assist` and wait for it in a
loop. Where there is enough to do, main posts a share of it to every helper that is there, does its
own, takes back what nobody has begun, and waits for the rest. It never waits for a helper to
come: with none, or with helpers that the system has put aside, it does all by itself.

Work is cut at the borders of the blocks that the kernels in `linalg` work in, so the bits do not
depend on the number of threads. The same helper has the same rows in every step, which its own
cache then holds.

Code for small models is compiled without any of this: the type of the team decides, `Alone` or
`Team`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from streamrnn._dispatch import by_type, compiled_as, glue, kernel
from streamrnn.atomics import exchange, give_way, look, pause, publish
from streamrnn.jobs import (
    FIRST,
    GRADIENT,
    JOB,
    KIND,
    LAST,
    MOVE,
    N_FIGURES,
    NUMBERS,
    PRODUCT,
    SLOT_SIZE,
    SQUARES,
    SQUARES_AT,
    STATE,
    TRANSPOSED,
    Team,
    perform,
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
from streamrnn.views import address_of, keep, matrix, matrix_at, row

#: In main's own row, the state says whether a model is being run.
_RESTING, _BUSY = range(2)

#: States of a helper. Main changes IDLE to POSTED, and back if it wants its work back; a helper
#: changes POSTED to TAKEN, and to IDLE when it is done. Only a helper comes and goes.
ABSENT, IDLE, POSTED, TAKEN = range(4)

#: A helper that finds nothing to do for so many turns, some 0.2 ms, leaves, unless a model is being
#: run: the next sample of a fast stream still finds it. After fewer it lets others have the core.
_TURNS_TO_STAY, _TURNS_TO_SPIN = 1 << 13, 1 << 10

#: Multiplications that are worth the 0.2 µs of handing them over, and what an update of a
#: parameter or its square counts for.
_LEAST_SHARE = 1 << 14

#: Parameters are shared in blocks of so many, so that loops over parts leave no other remainders.
_ELEMENTS = 1 << 10

_INTEGER, _DOUBLE = np.int64(0), np.float64(0)


# --- what can be shared


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


@move.register(Alone)
def _(team, optimizer, step, parameters, gradient, slots):
    move_part(optimizer, step, parameters, gradient, slots)


@add_product.register(Team)
def _(team, weights, values, n, out):
    columns = weights.shape[1]
    if _is_shared(team, n * out.size):
        job = address_of(weights), columns, address_of(values), n, address_of(out)
        _share(team, PRODUCT, job, out.size, 64, n * out.size)
    else:
        add_product(Alone(), weights, values, n, out)


@add_transposed_product.register(Team)
def _(team, weights, deltas, n, turn, out):
    columns = weights.shape[1]
    if _is_shared(team, n * columns):
        job = address_of(weights), columns, address_of(deltas), turn, address_of(out)
        _share(team, TRANSPOSED, job, n, 8, n * columns)
    else:
        add_transposed_product(Alone(), weights, deltas, n, turn, out)


@sum_of_outer_products.register(Team)
def _(team, inputs, deltas, first, n, out):
    rows, columns = out.shape
    if _is_shared(team, n * rows * columns):
        inputs_at, deltas_at, width = address_of(inputs), address_of(deltas), deltas.shape[1]
        job = inputs_at, rows, deltas_at, width, first, n, address_of(out), columns
        _share(team, GRADIENT, job, rows, 2, n * rows * columns)
    else:
        sum_of_outer_products(Alone(), inputs, deltas, first, n, out)


@sum_of_squares.register(Team)
def _(team, values):
    if not _is_shared(team, values.size):
        return sum_of_squares(Alone(), values)
    job = address_of(values), values.size
    length = squares_block(values.size)
    blocks = (values.size + length - 1) // length
    _share(team, SQUARES, job, blocks, 1, values.size)
    total = values.dtype.type(0)
    for block in range(blocks):
        total = plus(total, values.dtype.type(team.figures[SQUARES_AT + block]))
    return finite_sum(total, values)


@move.register(Team)
def _(team, optimizer, step, parameters, gradient, slots):
    if is_elementwise(optimizer) and _is_shared(team, parameters.size):
        keep(step, team.figures, 0)
        keep(optimizer, team.figures, NUMBERS)
        at, gradient_at, slots_at = address_of(parameters), address_of(gradient), address_of(slots)
        job = at, gradient_at, slots_at, parameters.size, slots.shape[0]
        _share(team, MOVE, job, parameters.size, _ELEMENTS, parameters.size)
    else:
        move_part(optimizer, step, parameters, gradient, slots)


def is_elementwise(optimizer: tuple) -> bool:
    """Say whether an optimizer moves each parameter without a look at the others."""
    return getattr(optimizer, "elementwise", False)


@compiled_as(is_elementwise)
def _emit_is_elementwise(optimizer):
    answer = getattr(optimizer.instance_class, "elementwise", False)
    return lambda optimizer: answer


# --- sharing


@glue
def _is_shared(team, work):
    return team.slots.shape[0] > 1 and work >= 2 * _LEAST_SHARE


@glue
def _n_idle(slots):
    n = 0
    for place in range(1, slots.shape[0]):
        if look(row(slots, place), STATE) == IDLE:
            n += 1
    return n


@glue
def _cut(words, kind, total, grain, share, shares):
    """Write which part of a job one of so many shares is; the last has the remainder."""
    blocks = total // grain
    words[KIND] = kind
    words[FIRST] = blocks * share // shares * grain
    words[LAST] = total if share + 1 == shares else blocks * (share + 1) // shares * grain


@glue
def _share(team, kind, job, total, grain, work):
    """Do a job, from 0 to `total`, together with the helpers that are there.

    Shares begin at multiples of `grain`. `work` says how much there is to do.
    """
    keep(job, row(team.slots, 0), JOB)
    _share_written(team, kind, total, grain, work)


@kernel
def _share_written(team, kind, total, grain, work):
    """Do as `_share` does with the job in main's row."""
    slots = team.slots
    mine = row(slots, 0)
    shares = max(1, min(work // _LEAST_SHARE, total // grain, _n_idle(slots) + 1))
    posted = 1
    for place in range(1, slots.shape[0]):
        words = row(slots, place)
        if posted < shares and look(words, STATE) == IDLE:
            for i in range(JOB, SLOT_SIZE):
                words[i] = mine[i]
            _cut(words, kind, total, grain, posted, shares)
            if exchange(words, STATE, IDLE, POSTED):
                posted += 1
    _cut(mine, kind, total, grain, 0, shares)
    perform(team, mine)
    for share in range(posted, shares):  # a helper has left in between
        _cut(mine, kind, total, grain, share, shares)
        perform(team, mine)
    for place in range(1, slots.shape[0]):  # what nobody has begun
        words = row(slots, place)
        if look(words, STATE) == POSTED and exchange(words, STATE, POSTED, IDLE):
            perform(team, words)
    for place in range(1, slots.shape[0]):
        _wait_for(row(slots, place))


@kernel
def _wait_for(words):
    turns = 0
    while look(words, STATE) == TAKEN:
        turns += 1
        if turns % _TURNS_TO_SPIN == 0:
            give_way()
        pause()


# --- coming together


@by_type
def meet(pattern: tuple, address: int, n_slots: int) -> Any:
    """Return the team of the pattern's type whose figures, then slots, begin at an address."""


@by_type
def begin(team: tuple) -> None:
    """Say that a model is being run, so that helpers stay."""


@by_type
def end(team: tuple) -> None:
    """Say that no model is being run."""


@by_type
def assist(team: tuple, place: int) -> None:
    """Help whoever runs models, until there has been nothing to do for a while."""


@meet.register(Alone)
def _(pattern, address, n_slots):
    return Alone()


@meet.register(Team)
def _(pattern, address, n_slots):
    figures = row(matrix_at(address, 1, N_FIGURES, _DOUBLE), 0)
    words = row(matrix_at(address, 1, N_FIGURES + n_slots * SLOT_SIZE, _INTEGER), 0)
    slots = matrix(words, N_FIGURES, n_slots, SLOT_SIZE)
    return Team(slots, figures, pattern.optimizer, pattern.real)


@begin.register(Alone)
def _(team):
    pass


@begin.register(Team)
def _(team):
    if team.slots.shape[0] > 0:
        publish(row(team.slots, 0), STATE, _BUSY)


@end.register(Alone)
def _(team):
    pass


@end.register(Team)
def _(team):
    if team.slots.shape[0] > 0:
        publish(row(team.slots, 0), STATE, _RESTING)


@assist.register(Alone)
def _(team, place):
    pass


@assist.register(Team)
def _(team, place):
    main, words = row(team.slots, 0), row(team.slots, place)
    publish(words, STATE, IDLE)
    turns = 0
    while True:
        if look(words, STATE) == POSTED:
            if exchange(words, STATE, POSTED, TAKEN):
                perform(team, words)
                publish(words, STATE, IDLE)
                turns = 0
        else:
            turns += 1
            pause()
            if turns % _TURNS_TO_SPIN == 0:
                give_way()
                rested = turns >= _TURNS_TO_STAY and look(main, STATE) == _RESTING
                if rested and exchange(words, STATE, IDLE, ABSENT):
                    return
