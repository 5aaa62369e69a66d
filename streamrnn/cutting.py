"""Cutting the rows of many models into what threads do one by one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np


def tasks_of(bounds: np.ndarray, n: int, most: int) -> list[slice]:
    """Cut the models into some `n` runs of about as many rows.

    Several models have `most` rows together at most, so that an interrupt is heard.
    """
    most = min(most, int(bounds[-1] - bounds[0]) // n + 1)
    tasks, first = [], 0
    while first < len(bounds) - 1:
        last = int(np.searchsorted(bounds, bounds[first] + most, side="right")) - 1
        last = max(last, first + 1)
        tasks.append(slice(first, last))
        first = last
    return tasks


def pieces_of(bounds: np.ndarray, most: int) -> list[np.ndarray]:
    """Cut the rows of a single model as `Model.run` does; those of several are few."""
    first, last = int(bounds[0]), int(bounds[-1])
    if len(bounds) > 2 or last - first <= most:
        return [np.ascontiguousarray(bounds)]
    cuts = [*range(first, last, most), last]
    return [np.array(pair) for pair in pairwise(cuts)]
