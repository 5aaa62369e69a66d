"""What is done to many numbers alike, so that many can do it together.

An action is a NamedTuple class of numbers, and `act` does it to matrices, column by column: whoever
has only some of the columns does that part of it. `each` does it to all of them, by whoever is
there; see `lanes` for how a device does.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import by_type, glue, glue_by_type
from streamrnn.linalg import copy, fill, scale
from streamrnn.views import line, matrix


@by_type
def act(action: tuple, a: np.ndarray, b: np.ndarray, c: np.ndarray, first: int, step: int) -> float:
    """Do an action to all columns of the matrices it is given; return what they add up to.

    Parameters
    ----------
    action
        The action, a NamedTuple; its type chooses the implementation.
    a, b, c
        Matrices of as many columns, or `c` one that is not cut into columns; what they are is the
        action's matter, and those that it needs not are the same as others.
    first, step
        Which columns they are: `first`, and every `step`-th from there.
    """
    raise NotImplementedError


@glue_by_type
def each(team: tuple, action: tuple, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    """Do an action to all columns, as `act` does, by whoever is in the team; return the sum."""
    raise NotImplementedError


@each.register(object)
def _(team, action, a, b, c):
    return act(action, a, b, c, 0, 1)


@glue
def each_number(team: tuple, action: tuple, a: np.ndarray, b: np.ndarray) -> float:
    """Do as `each` with two vectors of one length."""
    first, second = matrix(a, 0, 1, a.size), matrix(b, 0, 1, a.size)
    return each(team, action, first, second, second)


# --- what every model does; the forms for `Lanes` are in `lanes.forms`


@glue_by_type
def copy_together(team: tuple, source: np.ndarray, n: int, target: np.ndarray) -> None:
    """Copy the first `n` numbers of one vector into another, by whoever is in the team."""


@copy_together.register(object)
def _(team, source, n, target):
    copy(source, n, target)


class Copy(NamedTuple):
    """Copy the one row of `a` to that of `b`."""


@act.register(Copy)
def _(action, a, b, c, first, step):
    copy(line(a), a.shape[1], line(b))
    return 0.0


@glue_by_type
def fill_together(team: tuple, target: np.ndarray, value: float) -> None:
    """Set all numbers of a vector, by whoever is in the team."""


@fill_together.register(object)
def _(team, target, value):
    fill(target, value)


class Fill(NamedTuple):
    """Set all numbers of the one row of `a`."""

    value: float = 0.0


@act.register(Fill)
def _(action, a, b, c, first, step):
    fill(line(a), action.value)
    return 0.0


@glue_by_type
def scale_together(team: tuple, factor: float, values: np.ndarray) -> None:
    """Multiply a vector by a factor, by whoever is in the team."""


@scale_together.register(object)
def _(team, factor, values):
    scale(factor, values)


class Scale(NamedTuple):
    """Multiply the one row of `a` by a factor."""

    factor: float = 1.0


@act.register(Scale)
def _(action, a, b, c, first, step):
    scale(action.factor, line(a))
    return 0.0


@glue_by_type
def add_together(team: tuple, factor: float, a: np.ndarray, b: np.ndarray) -> None:
    """Add a multiple of one vector to another, by whoever is in the team."""


@add_together.register(object)
def _(team, factor, a, b):
    _add(factor, a, b)


@glue
def _add(factor, a, b):
    multiple = a.dtype.type(factor)
    for i in range(a.size):
        b[i] += multiple * a[i]


class Add(NamedTuple):
    """Add a multiple of the one row of `a` to that of `b`."""

    factor: float = 1.0


@act.register(Add)
def _(action, a, b, c, first, step):
    _add(action.factor, line(a), line(b))
    return 0.0


@glue_by_type
def clamp_together(team: tuple, bound: float, values: np.ndarray) -> bool:
    """Take numbers that are beyond a bound to it; say whether any were."""
    raise NotImplementedError


@clamp_together.register(object)
def _(team, bound, values):
    return _clamp(bound, values)


@glue
def _clamp(bound, values):
    clamped = False
    most = values.dtype.type(bound)
    for i in range(values.size):
        if abs(values[i]) > most:
            values[i] = math.copysign(most, values[i])
            clamped = True
    return clamped


class Clamp(NamedTuple):
    """Take numbers of the one row of `a` that are beyond a bound to it; 1 if there were any."""

    bound: float = math.inf


@act.register(Clamp)
def _(action, a, b, c, first, step):
    return 1.0 if _clamp(action.bound, line(a)) else 0.0


@glue_by_type
def are_finite(team: tuple, rows: np.ndarray) -> bool:
    """Say whether all numbers of a matrix are finite."""
    raise NotImplementedError


@are_finite.register(object)
def _(team, rows):
    return _are_finite(rows)


@glue
def _are_finite(rows):
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            if not abs(rows[i, j]) < math.inf:
                return False
    return True


class FindBad(NamedTuple):
    """1 if any number of `a` is not finite."""


@act.register(FindBad)
def _(action, a, b, c, first, step):
    return 0.0 if _are_finite(a) else 1.0


# --- what only some do, or only lanes


class AddDistance(NamedTuple):
    """Add to `b` a multiple of the way from `c` to `a`."""

    factor: float = 1.0


@act.register(AddDistance)
def _(action, a, b, c, first, step):
    factor = a.dtype.type(action.factor)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            b[i, j] += factor * (a[i, j] - c[i, j])
    return 0.0


class Squares(NamedTuple):
    """Add up the squares of `a`, in its own precision."""


@act.register(Squares)
def _(action, a, b, c, first, step):
    total = a.dtype.type(0)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += a[i, j] * a[i, j]
    return np.float64(total)


class ExactSquares(NamedTuple):
    """Add up the squares of `a` in float64, where they do not overflow."""


@act.register(ExactSquares)
def _(action, a, b, c, first, step):
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            value = np.float64(a[i, j])
            total += value * value
    return total


class SquareColumns(NamedTuple):
    """Write the sums of squares of the columns of `a` to `b`, of one row."""


@act.register(SquareColumns)
def _(action, a, b, c, first, step):
    for j in range(a.shape[1]):
        b[0, j] = 0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            b[0, j] += a[i, j] * a[i, j]
    return 0.0


class ScaleColumns(NamedTuple):
    """Multiply each column of `a` by its number in `b`, of one row."""


@act.register(ScaleColumns)
def _(action, a, b, c, first, step):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] *= b[0, j]
    return 0.0


class TakeProduct(NamedTuple):
    """Take a share of ``c[0]`` times ``b[0]`` from `a`: a step of rank one."""

    share: float = 1.0


@act.register(TakeProduct)
def _(action, a, b, c, first, step):
    share = a.dtype.type(action.share)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] -= share * c[0, i] * b[0, j]
    return 0.0
