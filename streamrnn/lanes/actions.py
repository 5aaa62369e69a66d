"""Actions that lanes know, and how each does its columns of one.

An action is told by its number, since a job is words in memory; see `actions`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import compiled_as, glue, kernel
from streamrnn.actions import (
    Add,
    AddDistance,
    Clamp,
    Copy,
    ExactSquares,
    Fill,
    FindBad,
    Scale,
    ScaleColumns,
    SquareColumns,
    Squares,
    TakeProduct,
    act,
)
from streamrnn.lanes.team import EACH, JOB, N_TOTALS, TOTAL, TOTALS, Lanes, hand_out, n_lanes
from streamrnn.motion import Step, move_part
from streamrnn.noise import AddNoise
from streamrnn.optimizers.protocol import measure
from streamrnn.pacing import is_measured
from streamrnn.views import address_of, keep, line, matrix_at, record, row, stripe


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
    FindBad,
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
_ADDING = (Clamp, FindBad, Squares, ExactSquares, Measure)

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


@glue
def each_with_figures(
    team: Lanes, action: tuple, a: np.ndarray, b: np.ndarray, c: np.ndarray
) -> float:
    """Hand out an action whose numbers are among the figures; return what it adds up to."""
    of_b, of_c = (address_of(b), b.shape[0]), (address_of(c), c.shape[0], c.shape[1])
    job = number_of(action), address_of(a), a.shape[0], *of_b, *of_c, a.shape[1]
    hand_out(team, EACH, 1, job)
    total = 0.0
    if is_adding(action):
        hand_out(team, TOTAL, 1, (0,))
        for i in range(N_TOTALS):
            total += team.figures[0, TOTALS + i]
    return total


@glue
def keep_update(team: Lanes, optimizer: tuple, step: Step) -> None:
    """Write the figures of an update: for `Move` and `Measure`."""
    figures = row(team.figures, 0)
    keep(step, figures, 0)
    keep(optimizer, figures, _OPTIMIZER_AT)


@kernel
def do_each(team: Lanes, lane: int) -> None:
    """Do an action to one lane's columns: every so many of them as there are lanes."""
    job = record(_EACH, row(team.words, 0), JOB)
    real, lanes = team.real, n_lanes(team)
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
    elif number == number_of(FindBad()):
        total = act(FindBad(), a, b, c, lane, lanes)
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
