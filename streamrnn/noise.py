"""Noise that is a function of where and when it is added: nothing has to be kept to draw more.

Threefry-2x32 with 20 rounds: Salmon, Moraes, Dror & Shaw (2011), "Parallel random numbers: as easy
as 1, 2, 3".
"""

from __future__ import annotations

import math

import numpy as np

from streamrnn._dispatch import glue, kernel, standalone
from streamrnn.views import vector

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


@kernel
def add_noise(
    values: np.ndarray, deviation: float, number: int, place: int, first: int, second: int
) -> None:
    """Add uniform noise of mean 0 and a standard deviation to each value.

    Parameters
    ----------
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
    standalone()
    real = values.dtype.type
    step = deviation * math.sqrt(3.0) / 2.0**31
    half = values.size // 2
    upper = vector(values, half, half)
    for i in range(half):
        a, b = threefry(number, place + i, first, second)
        values[i] += real((a - _MIDDLE) * step)
        upper[i] += real((b - _MIDDLE) * step)
    if values.size > 2 * half:
        a, b = threefry(number, place + half, first, second)
        values[2 * half] += real((a - _MIDDLE) * step)
