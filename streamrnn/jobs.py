"""What helpers can do: the jobs, as words in memory that threads share, and how a share is done.

A job is described by addresses and sizes, so that a helper needs to know no model: only types, of
the numbers and of the optimizer, are known when it is compiled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from streamrnn._dispatch import glue, kernel, standalone, view
from streamrnn.linalg import (
    N_SQUARES,
    Alone,
    add_product,
    add_transposed_product,
    squares_of_block,
    write_rows,
)
from streamrnn.motion import Step, move_part
from streamrnn.pacing import measured_block
from streamrnn.views import matrix, matrix_at, record, row, vector


class Team(NamedTuple):
    """A thread that may have helpers, and where they meet."""

    slots: Any  # (1 + helpers, SLOT_SIZE) int64: row 0 is main's; no rows: nobody helps
    figures: Any  # (N_FIGURES,) float64: numbers that go with a job or come of it
    optimizer: Any  # tells the type of the optimizer
    real: Any  # tells the precision


#: A row of `slots`: its state, what kind of job to do, the share of it from first to last, and the
#: job's own words. Two cache lines, since processors fetch lines in pairs.
SLOT_SIZE = 16
STATE, KIND, FIRST, LAST, JOB = range(5)

#: In main's row: for how long it is to work alone, what helpers have gained lately, and for how
#: long to work alone the next time.
ALONE, CREDIT, NEXT = 13, 14, 15

#: In `figures`: the fields of a `Step`, those of the optimizer, and at the end sums of squares.
N_FIGURES = 128
NUMBERS, SQUARES_AT = len(Step()), N_FIGURES - N_SQUARES

#: The kinds of jobs.
PRODUCT, TRANSPOSED, GRADIENT, SQUARES, MOVE, MEASURE = range(6)


class _Product(NamedTuple):
    """`add_product`, shared by columns. Names without a comment are sizes or addresses."""

    weights: int = 0
    columns: int = 0
    values: int = 0
    n: int = 0
    out: int = 0


class _Transposed(NamedTuple):
    """`add_transposed_product`, shared by rows."""

    weights: int = 0
    columns: int = 0
    deltas: int = 0
    turn: int = 0
    out: int = 0


class _Gradient(NamedTuple):
    """`sum_of_outer_products`, shared by rows of what is written."""

    inputs: int = 0
    length: int = 0  # of a row of the inputs, of which the head may read more than `rows`
    rows: int = 0
    deltas: int = 0
    width: int = 0  # of the deltas
    first: int = 0
    n: int = 0
    out: int = 0
    columns: int = 0


class _Squares(NamedTuple):
    """The sums for `sum_of_squares`, shared by blocks."""

    values: int = 0
    size: int = 0


class _Move(NamedTuple):
    """`move_part`, shared by parameters, and `measured_block`, shared by blocks of them.

    The numbers of the update are among the figures.
    """

    parameters: int = 0
    gradient: int = 0
    slots: int = 0
    size: int = 0
    n_slots: int = 0


_JOBS = _Product(), _Transposed(), _Gradient(), _Squares(), _Move()
_A_PRODUCT, _A_TRANSPOSED, _A_GRADIENT, _A_SQUARES, _A_MOVE = _JOBS
_STEP = Step()


@kernel
def perform(team: Team, words: Any) -> None:
    """Do the share of a job that a row of `slots` describes."""
    kind, first, last = words[KIND], words[FIRST], words[LAST]
    if kind == PRODUCT:
        _perform_product(team.real, record(_A_PRODUCT, words, JOB), first, last)
    elif kind == TRANSPOSED:
        _perform_transposed(team.real, record(_A_TRANSPOSED, words, JOB), first, last)
    elif kind == GRADIENT:
        _perform_gradient(team.real, record(_A_GRADIENT, words, JOB), first, last)
    elif kind == SQUARES:
        _perform_squares(team, record(_A_SQUARES, words, JOB), first, last)
    elif kind == MEASURE:
        _perform_measure(team, record(_A_MOVE, words, JOB), first, last)
    else:
        _perform_move(team, record(_A_MOVE, words, JOB), first, last)


@view
def _vector_at(address, size, real):
    return row(matrix_at(address, 1, size, real), 0)


@view
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
    add_transposed_product(Alone(), mine, deltas, last - first, job.turn, out)


@kernel
def _write_rows(inputs, deltas, first, n, start, stop, out):
    standalone()
    write_rows(inputs, deltas, first, n, start, stop, out)


@glue
def _perform_gradient(real, job, first, last):
    inputs = matrix_at(job.inputs, job.n, job.length, real)
    deltas = matrix_at(job.deltas, job.n, job.width, real)
    out = matrix_at(job.out, job.rows, job.columns, real)
    _write_rows(inputs, deltas, job.first, job.n, first, last, out)


@glue
def _perform_squares(team, job, first, last):
    values = _vector_at(job.values, job.size, team.real)
    for block in range(first, last):
        team.figures[SQUARES_AT + block] = squares_of_block(values, block)


@glue
def _perform_measure(team, job, first, last):
    gradient = _vector_at(job.gradient, job.size, team.real)
    slots = matrix_at(job.slots, job.n_slots, job.size, team.real)
    optimizer = record(team.optimizer, team.figures, NUMBERS)
    number = record(_STEP, team.figures, 0).number
    for block in range(first, last):
        team.figures[SQUARES_AT + block] = measured_block(optimizer, number, gradient, slots, block)


@glue
def _perform_move(team, job, first, last):
    n, real = last - first, team.real
    parameters = vector(_vector_at(job.parameters, job.size, real), first, n)
    gradient = vector(_vector_at(job.gradient, job.size, real), first, n)
    slots = _columns_at(job.slots, job.n_slots, job.size, first, real)
    optimizer = record(team.optimizer, team.figures, NUMBERS)
    move_part(optimizer, record(_STEP, team.figures, 0), parameters, gradient, slots)
