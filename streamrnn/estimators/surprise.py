"""How large errors usually are, and how far one is beyond that."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from streamrnn.estimators.outline import only
from streamrnn.estimators.scores import Scores, checked
from streamrnn.scaling import LIMIT

#: An error counts as at most so many times the usual one: a spike must not pass for usual. Were it
#: much fewer, a stream that has become livelier would pass for abnormal for thousands of samples.
MOST = 10.0
#: Errors beyond this are as good as infinite: products with counts stay finite.
_HUGE = 1e290
_TINY = 1e-300


class Surprise(Scores):
    """The usual size of the errors of several features, forgetting.

    It is the mean absolute error of each feature over about the last `memory` of its values. The
    first value of a feature has no error: nobody could have predicted it.

    Parameters
    ----------
    memory
        Errors that count; until there are as many, all count alike.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.counts = np.zeros(0)  # values seen, one more than the memory at most
        self.sizes = np.zeros(0)

    def grow(self, n: int) -> None:
        """Make room for the errors of `n` features."""
        more = np.zeros(n - len(self.counts))
        self.counts = np.concatenate([self.counts, more])
        self.sizes = np.concatenate([self.sizes, more])

    def _take(self, values: np.ndarray, errors: np.ndarray) -> Callable[[], float]:
        before = partial(_score, errors, self.counts, self.sizes)
        self.count(errors)
        return before

    def count(self, errors: np.ndarray) -> None:
        """Take the errors of one sample into account, (features,)."""
        counts, sizes = self.counts, self.sizes
        sizable = np.abs(errors)
        usable = sizable <= LIMIT
        most = np.where(sizes > 0.0, MOST * sizes, math.inf)
        change = np.minimum(sizable, most) - sizes
        share = np.maximum(np.minimum(counts, self.memory), 1.0)
        self.sizes = np.where(usable & (counts > 0.0), sizes + change / share, sizes)
        self.counts = np.minimum(counts + usable, self.memory + 1.0)

    def score(self, values: np.ndarray, errors: np.ndarray) -> float:
        """Return 1 / (1 + s / e + 1 / n), the largest of all features.

        `e` is the magnitude of the error, (features,), `s` what it usually is, and `n` of how many
        errors that is the mean; 0 where the error is 0 or not known, or `n` is 0.
        """
        return _score(errors, self.counts, self.sizes)

    def times(self, errors: np.ndarray) -> np.ndarray:
        """Return 1 / (s / e + 1 / n) of each feature, (features,): how many times the usual error.

        NaN where the error is not known.
        """
        part, rest = _parts(errors, self.counts, self.sizes)
        return part / np.maximum(rest, _TINY)

    def kept(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {"counts": self.counts, "sizes": self.sizes}

    def restore(self, kept: dict[str, Any], n: int) -> None:
        """Take over what `kept` returned, of `n` features; ValueError if it is something else."""
        counts, sizes = only(kept, "counts", "sizes")
        checked("counts of errors", counts, (n,), 0.0, self.memory + 1.0)
        checked("sizes of errors", sizes, (n,), 0.0, LIMIT)
        if (counts != np.floor(counts)).any():
            raise ValueError("the counts of errors are not whole numbers")
        self.counts, self.sizes, self._learnt = counts, sizes, None


def _score(errors: np.ndarray, counts: np.ndarray, sizes: np.ndarray) -> float:
    part, rest = _parts(errors, counts, sizes)
    return float(np.fmax.reduce(part / np.maximum(part + rest, _TINY), initial=0.0))


def _parts(
    errors: np.ndarray, counts: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return n e, and n s + e, of each feature."""
    sizable = np.minimum(np.abs(errors), _HUGE)
    n = np.maximum(counts - 1.0, 0.0)
    return n * sizable, n * sizes + sizable
