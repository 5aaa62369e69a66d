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

from typing import Any, NamedTuple

import numpy as np
from streamrnn._dispatch import by_type, compiled_as, glue, kernel, standalone
from streamrnn.atomics import exchange, give_way, look, pause, publish
from streamrnn.linalg import (
    N_SQUARES,
    Alone,
    add_product,
    add_transposed_product,
    finite_sum,
    plus,
    squares_block,
    squares_of_block,
    sum_of_outer_products,
    sum_of_squares,
    write_rows,
)
from streamrnn.motion import Step, move_part
from streamrnn.views import address_of, keep, matrix, matrix_at, record, row, vector


class Team(NamedTuple):
    """A thread that may have helpers, and where they meet."""

    slots: np.ndarray  # (1 + helpers, SLOT_SIZE) int64: row 0 is main's; no rows: nobody helps
    figures: np.ndarray  # (N_FIGURES,) float64: numbers that go with a job or come of it
    optimizer: Any  # tells the type of the optimizer
    real: Any  # tells the precision


class Post(NamedTuple):
    """Where the numbers of a `Team` are."""

    address: int = 0  # figures, then slots
    n_slots: int = 0  # rows of slots; 0 if nobody helps
    place: int = 0  # row of the helper that calls; 0 for main


#: A helper's row in `slots` starts with its state, what to do and the share of it. Two cache lines,
#: since processors fetch lines in pairs.
SLOT_SIZE = 16
_STATE, _KIND, _FIRST, _LAST, _JOB = range(5)

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

N_FIGURES = 128
_SQUARES_AT = N_FIGURES - N_SQUARES
_NUMBERS = len(Step())

_PRODUCT, _TRANSPOSED, _GRADIENT, _SQUARES, _MOVE = range(5)
_INTEGER, _DOUBLE = np.int64(0), np.float64(0)


class _Product(NamedTuple):
    weights: int = 0
    columns: int = 0
    values: int = 0
    n: int = 0
    out: int = 0


class _Transposed(NamedTuple):
    weights: int = 0
    columns: int = 0
    deltas: int = 0
    out: int = 0


class _Gradient(NamedTuple):
    inputs: int = 0
    rows: int = 0
    deltas: int = 0
    width: int = 0  # of the deltas
    first: int = 0
    n: int = 0
    out: int = 0
    columns: int = 0


class _Squares(NamedTuple):
    values: int = 0
    size: int = 0


class _Move(NamedTuple):
    parameters: int = 0
    gradient: int = 0
    slots: int = 0
    size: int = 0
    n_slots: int = 0


_JOBS = _Product(), _Transposed(), _Gradient(), _Squares(), _Move()
_A_PRODUCT, _A_TRANSPOSED, _A_GRADIENT, _A_SQUARES, _A_MOVE = _JOBS
_STEP = Step()


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
        _share(team, _PRODUCT, job, out.size, 64, n * out.size)
    else:
        add_product(Alone(), weights, values, n, out)


@add_transposed_product.register(Team)
def _(team, weights, deltas, n, out):
    columns = weights.shape[1]
    if _is_shared(team, n * columns):
        job = address_of(weights), columns, address_of(deltas), address_of(out)
        _share(team, _TRANSPOSED, job, n, 8, n * columns)
    else:
        add_transposed_product(Alone(), weights, deltas, n, out)


@sum_of_outer_products.register(Team)
def _(team, inputs, deltas, first, n, out):
    rows, columns = out.shape
    if _is_shared(team, n * rows * columns):
        inputs_at, deltas_at, width = address_of(inputs), address_of(deltas), deltas.shape[1]
        job = inputs_at, rows, deltas_at, width, first, n, address_of(out), columns
        _share(team, _GRADIENT, job, rows, 2, n * rows * columns)
    else:
        sum_of_outer_products(Alone(), inputs, deltas, first, n, out)


@sum_of_squares.register(Team)
def _(team, values):
    if not _is_shared(team, values.size):
        return sum_of_squares(Alone(), values)
    job = address_of(values), values.size
    length = squares_block(values.size)
    blocks = (values.size + length - 1) // length
    _share(team, _SQUARES, job, blocks, 1, values.size)
    total = values.dtype.type(0)
    for block in range(blocks):
        total = plus(total, values.dtype.type(team.figures[_SQUARES_AT + block]))
    return finite_sum(total, values)


@move.register(Team)
def _(team, optimizer, step, parameters, gradient, slots):
    if is_elementwise(optimizer) and _is_shared(team, parameters.size):
        keep(step, team.figures, 0)
        keep(optimizer, team.figures, _NUMBERS)
        at, gradient_at, slots_at = address_of(parameters), address_of(gradient), address_of(slots)
        job = at, gradient_at, slots_at, parameters.size, slots.shape[0]
        _share(team, _MOVE, job, parameters.size, _ELEMENTS, parameters.size)
    else:
        move_part(optimizer, step, parameters, gradient, slots)


def is_elementwise(optimizer: tuple) -> bool:
    """Say whether an optimizer moves each parameter without a look at the others."""
    return getattr(optimizer, "elementwise", False)


@compiled_as(is_elementwise)
def _emit_is_elementwise(optimizer):
    answer = getattr(optimizer.instance_class, "elementwise", False)
    return lambda optimizer: answer


# --- a share


@kernel
def _perform(team, words):
    """Do the share of a job that a row of `slots` describes."""
    kind, first, last = words[_KIND], words[_FIRST], words[_LAST]
    if kind == _PRODUCT:
        _perform_product(team.real, record(_A_PRODUCT, words, _JOB), first, last)
    elif kind == _TRANSPOSED:
        _perform_transposed(team.real, record(_A_TRANSPOSED, words, _JOB), first, last)
    elif kind == _GRADIENT:
        _perform_gradient(team.real, record(_A_GRADIENT, words, _JOB), first, last)
    elif kind == _SQUARES:
        _perform_squares(team, record(_A_SQUARES, words, _JOB), first, last)
    else:
        _perform_move(team, record(_A_MOVE, words, _JOB), first, last)


@glue
def _vector_at(address, size, real):
    return row(matrix_at(address, 1, size, real), 0)


@glue
def _columns_at(address, rows, columns, first, real):
    """View a matrix as if it began at column `first`; only what is left of it may be used."""
    return matrix(_vector_at(address, rows * columns, real), first, rows, columns)


@glue
def _perform_product(real, job, first, last):
    weights = _columns_at(job.weights, job.n, job.columns, first, real)
    out = vector(_vector_at(job.out, last, real), first, last - first)
    add_product(Alone(), weights, _vector_at(job.values, job.n, real), job.n, out)


@glue
def _perform_transposed(real, job, first, last):
    weights = _vector_at(job.weights, last * job.columns, real)
    mine = matrix(weights, first * job.columns, last - first, job.columns)
    out = vector(_vector_at(job.out, last, real), first, last - first)
    deltas = _vector_at(job.deltas, job.columns, real)
    add_transposed_product(Alone(), mine, deltas, last - first, out)


@kernel
def _write_rows(inputs, deltas, first, n, start, stop, out):
    standalone()
    write_rows(inputs, deltas, first, n, start, stop, out)


@glue
def _perform_gradient(real, job, first, last):
    inputs = matrix_at(job.inputs, job.n, job.rows, real)
    deltas = matrix_at(job.deltas, job.n, job.width, real)
    out = matrix_at(job.out, job.rows, job.columns, real)
    _write_rows(inputs, deltas, job.first, job.n, first, last, out)


@glue
def _perform_squares(team, job, first, last):
    values = _vector_at(job.values, job.size, team.real)
    for block in range(first, last):
        team.figures[_SQUARES_AT + block] = squares_of_block(values, block)


@glue
def _perform_move(team, job, first, last):
    n, real = last - first, team.real
    parameters = vector(_vector_at(job.parameters, job.size, real), first, n)
    gradient = vector(_vector_at(job.gradient, job.size, real), first, n)
    slots = _columns_at(job.slots, job.n_slots, job.size, first, real)
    optimizer = record(team.optimizer, team.figures, _NUMBERS)
    move_part(optimizer, record(_STEP, team.figures, 0), parameters, gradient, slots)


# --- sharing


@glue
def _is_shared(team, work):
    return team.slots.shape[0] > 1 and work >= 2 * _LEAST_SHARE


@glue
def _n_idle(slots):
    n = 0
    for place in range(1, slots.shape[0]):
        if look(row(slots, place), _STATE) == IDLE:
            n += 1
    return n


@glue
def _cut(words, kind, total, grain, share, shares):
    """Write which part of a job one of so many shares is; the last has the remainder."""
    blocks = total // grain
    words[_KIND] = kind
    words[_FIRST] = blocks * share // shares * grain
    words[_LAST] = total if share + 1 == shares else blocks * (share + 1) // shares * grain


@glue
def _share(team, kind, job, total, grain, work):
    """Do a job, from 0 to `total`, together with the helpers that are there.

    Shares begin at multiples of `grain`. `work` says how much there is to do.
    """
    keep(job, row(team.slots, 0), _JOB)
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
        if posted < shares and look(words, _STATE) == IDLE:
            for i in range(_JOB, SLOT_SIZE):
                words[i] = mine[i]
            _cut(words, kind, total, grain, posted, shares)
            if exchange(words, _STATE, IDLE, POSTED):
                posted += 1
    _cut(mine, kind, total, grain, 0, shares)
    _perform(team, mine)
    for share in range(posted, shares):  # a helper has left in between
        _cut(mine, kind, total, grain, share, shares)
        _perform(team, mine)
    for place in range(1, slots.shape[0]):  # what nobody has begun
        words = row(slots, place)
        if look(words, _STATE) == POSTED and exchange(words, _STATE, POSTED, IDLE):
            _perform(team, words)
    for place in range(1, slots.shape[0]):
        _wait_for(row(slots, place))


@kernel
def _wait_for(words):
    turns = 0
    while look(words, _STATE) == TAKEN:
        turns += 1
        if turns % _TURNS_TO_SPIN == 0:
            give_way()
        pause()


# --- coming together


@by_type
def meet(pattern: tuple, post: Post) -> tuple:
    """Return the team of a type whose numbers are where `post` says."""


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
def _(pattern, post):
    return Alone()


@meet.register(Team)
def _(pattern, post):
    figures = row(matrix_at(post.address, 1, N_FIGURES, _DOUBLE), 0)
    words = row(matrix_at(post.address, 1, N_FIGURES + post.n_slots * SLOT_SIZE, _INTEGER), 0)
    slots = matrix(words, N_FIGURES, post.n_slots, SLOT_SIZE)
    return Team(slots, figures, pattern.optimizer, pattern.real)


@begin.register(Alone)
def _(team):
    pass


@begin.register(Team)
def _(team):
    if team.slots.shape[0] > 0:
        publish(row(team.slots, 0), _STATE, _BUSY)


@end.register(Alone)
def _(team):
    pass


@end.register(Team)
def _(team):
    if team.slots.shape[0] > 0:
        publish(row(team.slots, 0), _STATE, _RESTING)


@assist.register(Alone)
def _(team, place):
    pass


@assist.register(Team)
def _(team, place):
    main, words = row(team.slots, 0), row(team.slots, place)
    publish(words, _STATE, IDLE)
    turns = 0
    while True:
        if look(words, _STATE) == POSTED:
            if exchange(words, _STATE, POSTED, TAKEN):
                _perform(team, words)
                publish(words, _STATE, IDLE)
                turns = 0
        else:
            turns += 1
            pause()
            if turns % _TURNS_TO_SPIN == 0:
                give_way()
                rested = turns >= _TURNS_TO_STAY and look(main, _STATE) == _RESTING
                if rested and exchange(words, _STATE, IDLE, ABSENT):
                    return
