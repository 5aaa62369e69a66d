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
from streamrnn.views import matrix


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


@glue
def copy_together(team: tuple, source: np.ndarray, n: int, target: np.ndarray) -> None:
    """Copy the first `n` numbers of one vector into another, by whoever is in the team."""
    first, second = matrix(source, 0, 1, n), matrix(target, 0, 1, n)
    each(team, Copy(), first, second, second)


class Copy(NamedTuple):
    """Copy `a` to `b`."""


@act.register(Copy)
def _(action, a, b, c, first, step):
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            b[i, j] = a[i, j]
    return 0.0


class Fill(NamedTuple):
    """Set all numbers of `a`."""

    value: float = 0.0


@act.register(Fill)
def _(action, a, b, c, first, step):
    value = a.dtype.type(action.value)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = value
    return 0.0


@glue
def fill_together(team: tuple, target: np.ndarray, value: float) -> None:
    """Set all numbers of a vector, by whoever is in the team."""
    each_number(team, Fill(value), target, target)


class Scale(NamedTuple):
    """Multiply `a` by a factor."""

    factor: float = 1.0


@act.register(Scale)
def _(action, a, b, c, first, step):
    if action.factor == 1.0:
        return 0.0
    factor = a.dtype.type(action.factor)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] *= factor
    return 0.0


class Add(NamedTuple):
    """Add a multiple of `a` to `b`."""

    factor: float = 1.0


@act.register(Add)
def _(action, a, b, c, first, step):
    factor = a.dtype.type(action.factor)
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            b[i, j] += factor * a[i, j]
    return 0.0


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


class Clamp(NamedTuple):
    """Take the numbers of `a` that are beyond a bound to it, and count them."""

    bound: float = math.inf


@act.register(Clamp)
def _(action, a, b, c, first, step):
    bound = a.dtype.type(action.bound)
    beyond = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if abs(a[i, j]) > bound:
                a[i, j] = math.copysign(bound, a[i, j])
                beyond += 1.0
    return beyond


class CountBad(NamedTuple):
    """Count the numbers of `a` that are not finite."""


@act.register(CountBad)
def _(action, a, b, c, first, step):
    bad = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            if not abs(a[i, j]) < math.inf:
                bad += 1.0
    return bad


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
