"""How large errors usually are, and how far one is beyond that."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from streamrnn.estimators.outline import only
from streamrnn.scaling import LIMIT

#: An error counts as at most so many times the usual one: a spike must not pass for usual. Were it
#: much fewer, a stream that has become livelier would pass for abnormal for thousands of samples.
_MOST = 10.0
#: Errors beyond this are as good as infinite: products with counts stay finite.
_HUGE = 1e290
_TINY = 1e-300


class _Learnt(NamedTuple):
    """The sample seen last, and what its score depends on."""

    sample: Any
    values: bytes
    errors: np.ndarray
    counts: np.ndarray
    sizes: np.ndarray


class Surprise:
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
        self._learnt: _Learnt | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A sample is known by being the same object, which it is not for a copy.
        return {**vars(self), "_learnt": None}

    def grow(self, n: int) -> None:
        """Make room for the errors of `n` features."""
        more = np.zeros(n - len(self.counts))
        self.counts = np.concatenate([self.counts, more])
        self.sizes = np.concatenate([self.sizes, more])

    def saw(self, sample: Any, values: np.ndarray, errors: np.ndarray) -> None:
        """Take the errors of one sample into account.

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
        counts, sizes = self.counts, self.sizes
        self._learnt = _Learnt(sample, values.tobytes(), errors, counts, sizes)
        sizable = np.abs(errors)
        usable = sizable <= LIMIT
        most = np.where(sizes > 0.0, _MOST * sizes, math.inf)
        change = np.minimum(sizable, most) - sizes
        share = np.maximum(np.minimum(counts, self.memory), 1.0)
        self.sizes = np.where(usable & (counts > 0.0), sizes + change / share, sizes)
        self.counts = np.minimum(counts + usable, self.memory + 1.0)

    def score(self, errors: np.ndarray) -> float:
        """Return 1 / (1 + s / e + 1 / n), the largest of all features.

        `e` is the magnitude of the error, (features,), `s` what it usually is, and `n` of how many
        errors that is the mean; 0 where the error is 0 or not known, or `n` is 0.
        """
        return _score(errors, self.counts, self.sizes)

    def score_of_learnt(self, sample: Any, values: np.ndarray) -> float | None:
        """Return what was the score of the sample seen last, None if `sample` is another object.

        `values` tell whether somebody has changed it meanwhile.
        """
        learnt = self._learnt
        if learnt is None or sample is not learnt.sample or values.tobytes() != learnt.values:
            return None
        return _score(learnt.errors, learnt.counts, learnt.sizes)

    def kept(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {"counts": self.counts, "sizes": self.sizes}

    def restore(self, kept: dict[str, Any], n: int) -> None:
        """Take over what `kept` returned, of `n` features; ValueError if it is something else."""
        counts, sizes = only(kept, "counts", "sizes")
        for name, given, most in (("counts", counts, self.memory + 1.0), ("sizes", sizes, LIMIT)):
            if not isinstance(given, np.ndarray) or given.dtype != np.float64:
                raise ValueError(f"the {name} of errors are no array of float64")
            if given.shape != (n,):
                raise ValueError(f"there are {given.shape} {name} of errors for {n} features")
            if not ((given >= 0.0) & (given <= most)).all():
                raise ValueError(f"the {name} of errors are not all from 0 to {most:g}")
        if (counts != np.floor(counts)).any():
            raise ValueError("the counts of errors are not whole numbers")
        self.counts, self.sizes, self._learnt = counts, sizes, None


def _score(errors: np.ndarray, counts: np.ndarray, sizes: np.ndarray) -> float:
    sizable = np.minimum(np.abs(errors), _HUGE)
    n = np.maximum(counts - 1.0, 0.0)
    part = n * sizable
    whole = part + n * sizes + sizable
    return float(np.fmax.reduce(part / np.maximum(whole, _TINY), initial=0.0))
