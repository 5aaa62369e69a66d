"""What every score of an anomaly has: it learns what is usual, and knows the sample seen last."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class _Learnt(NamedTuple):
    """The sample seen last, and what tells the score that it had before."""

    sample: Any
    values: bytes
    score: Callable[[], float]


class Scores(abc.ABC):
    """Makes scores from 0 to 1 of the errors of several features, and learns what is usual."""

    _learnt: _Learnt | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A sample is known by being the same object, which it is not for a copy.
        return {**vars(self), "_learnt": None}

    @abc.abstractmethod
    def grow(self, n: int) -> None:
        """Make room for `n` features."""

    def saw(self, sample: Any, values: np.ndarray, errors: np.ndarray) -> None:
        """Take one sample into account.

        Parameters
        ----------
        sample
            The sample.
        values
            Its features, (features,), NaN where there is none.
        errors
            How far off the predictions were, (features,); what is beyond what a network works with
            teaches nothing.
        """
        # The values may lie in memory that the next sample is written to.
        self._learnt = _Learnt(sample, values.tobytes(), self._take(values, errors))

    @abc.abstractmethod
    def _take(self, values: np.ndarray, errors: np.ndarray) -> Callable[[], float]:
        """Learn from one sample; return what tells the score that it had before."""

    @abc.abstractmethod
    def score(self, values: np.ndarray, errors: np.ndarray) -> float:
        """Return the score of a sample with these values and errors, (features,)."""

    def score_of_learnt(self, sample: Any, values: np.ndarray) -> float | None:
        """Return what was the score of the sample seen last, None if `sample` is another object.

        `values` tell whether somebody has changed it meanwhile.
        """
        learnt = self._learnt
        if learnt is None or sample is not learnt.sample or values.tobytes() != learnt.values:
            return None
        return learnt.score()

    @abc.abstractmethod
    def kept(self) -> dict[str, Any]:
        """Return all of it as plain data."""

    @abc.abstractmethod
    def restore(self, kept: dict[str, Any], n: int) -> None:
        """Take over what `kept` returned, of `n` features; ValueError if it is something else."""


def checked(what: str, given: Any, shape: tuple[int, ...], least: float, most: float) -> np.ndarray:
    """Return an array of float64 that was kept; ValueError if it is none, or out of bounds."""
    if not isinstance(given, np.ndarray) or given.dtype != np.float64:
        raise ValueError(f"the {what} are no array of float64")
    if given.shape != shape:
        raise ValueError(f"there are {given.shape} {what}, not {shape}")
    if not ((given >= least) & (given <= most)).all():
        raise ValueError(f"the {what} are not all from {least:g} to {most:g}")
    return given
