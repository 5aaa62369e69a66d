"""Noise that is a function of where and when it is added: nothing has to be kept to draw more.

Threefry-2x32 with 20 rounds: Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy
as 1, 2, 3".
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.actions import act, each
from streamrnn.views import matrix

_WORD = 0xFFFFFFFF
_PARITY = 0x1BD11BDA

#: A word counts so many steps of a uniform number; the middle of them is the mean.
_MIDDLE = 2.0**31 - 0.5


@glue
def _turn(a, b, bits):
    a = (a + b) & _WORD
    return a, (((b << bits) | (b >> (32 - bits))) & _WORD) ^ a


@glue
def _odd_rounds(a, b):
    a, b = _turn(a, b, 13)
    a, b = _turn(a, b, 15)
    a, b = _turn(a, b, 26)
    return _turn(a, b, 6)


@glue
def _even_rounds(a, b):
    a, b = _turn(a, b, 17)
    a, b = _turn(a, b, 29)
    a, b = _turn(a, b, 16)
    return _turn(a, b, 24)


@glue
def threefry(a: int, b: int, first: int, second: int) -> tuple[int, int]:
    """Return two random words of 32 bits: those of the counter (a, b) under a key of two words."""
    third = first ^ second ^ _PARITY
    a, b = _odd_rounds((a + first) & _WORD, (b + second) & _WORD)
    a, b = _even_rounds((a + second) & _WORD, (b + third + 1) & _WORD)
    a, b = _odd_rounds((a + third) & _WORD, (b + first + 2) & _WORD)
    a, b = _even_rounds((a + first) & _WORD, (b + second + 3) & _WORD)
    a, b = _odd_rounds((a + second) & _WORD, (b + third + 4) & _WORD)
    return (a + third) & _WORD, (b + first + 5) & _WORD


class AddNoise(NamedTuple):
    """Add noise to the two rows of `a`, whose numbers in one column share a counter."""

    step: float = 0.0  # what one of 2^32 steps of the noise is worth
    number: float = 0.0
    place: float = 0.0
    first: float = 0.0
    second: float = 0.0


@act.register(AddNoise)
def _(action, a, b, c, first, step):
    number: Any = np.int64(action.number)
    place: Any = np.int64(action.place) + first
    one: Any = np.int64(action.first)
    other: Any = np.int64(action.second)
    real = a.dtype.type
    for j in range(a.shape[1]):
        upper, lower = threefry(number, place + j * step, one, other)
        a[0, j] += real((upper - _MIDDLE) * action.step)
        a[1, j] += real((lower - _MIDDLE) * action.step)
    return 0.0


@glue
def add_noise(
    team: tuple,
    values: np.ndarray,
    deviation: float,
    number: int,
    place: int,
    first: int,
    second: int,
) -> None:
    """Add uniform noise of mean 0 and a standard deviation to each value.

    Parameters
    ----------
    team
        Who does it.
    values
        Shape (n,); written.
    deviation
        The standard deviation.
    number, place
        When and where: the noise of `n` values takes the counters from (number, place) to
        (number, place + n / 2). All words of 32 bits.
    first, second
        The key, two words.
    """
    size = deviation * math.sqrt(3.0) / 2.0**31
    half = values.size // 2
    pairs = matrix(values, 0, 2, half)
    action = AddNoise(
        size, np.float64(number), np.float64(place), np.float64(first), np.float64(second)
    )
    each(team, action, pairs, pairs, pairs)
    if values.size > 2 * half:
        a, _ = threefry(number, place + half, first, second)
        values[2 * half] += values.dtype.type((a - _MIDDLE) * size)
