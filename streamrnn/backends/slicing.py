"""A part of the rows of many models: about the same share of each, in their order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: The golden ratio's fraction: multiples of it spread evenly, however many there are.
_SPREAD = 0.6180339887498949


class Part(NamedTuple):
    """Some of the rows of some models."""

    models: np.ndarray  # which have rows in it, (m,)
    bounds: np.ndarray  # the i-th of them has the rows bounds[i] to bounds[i + 1] of `rows`
    rows: np.ndarray  # which rows


def part(bounds: np.ndarray, first: int, last: int) -> Part:
    """Return the rows from `first` to before `last`, where models take turns.

    Consecutive parts have each row once, and the rows of each model in their order. A part has
    about as large a share of every model's rows, so that it keeps as many workers busy as all rows
    do; where models have a row each, it has that share of the models.

    Parameters
    ----------
    bounds
        Model i has the rows bounds[i] to bounds[i + 1], (n + 1,), from 0 on.
    first, last
        How many rows there are in the parts before this one, and with it, about.

    Examples
    --------
    >>> part(np.array([0, 4, 6]), 0, 3).rows.tolist(), part(np.array([0, 4, 6]), 3, 6).rows.tolist()
    ([0, 1, 4], [2, 3, 5])
    """
    before, behind = _done(bounds, first), _done(bounds, last)
    models = np.flatnonzero(behind > before)
    counts = (behind - before)[models]
    cuts = np.concatenate([[0], np.cumsum(counts)])
    starts = (bounds[:-1] + before)[models]
    rows = np.arange(cuts[-1]) + np.repeat(starts - cuts[:-1], counts)
    return Part(models, cuts, rows)


def _done(bounds: np.ndarray, n: int) -> np.ndarray:
    """Return how many rows each model has done when about `n` of all are."""
    lengths = np.diff(bounds)
    turns = np.arange(len(lengths)) * _SPREAD % 1.0
    # Of whole numbers, since 49 x (1 / 49) is less than 1.
    whole, rest = np.divmod(lengths * n, int(bounds[-1]))
    return whole + np.floor(rest / int(bounds[-1]) + turns).astype(np.int64)
