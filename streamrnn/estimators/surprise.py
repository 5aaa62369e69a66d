"""How large errors usually are, and how far one is beyond that."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: An error counts as at most so many times the usual one: a spike must not pass for usual.
_MOST = 5.0


class Surprise:
    """The usual size of the errors of several features, forgetting.

    The mean square of each feature's errors over about the last `memory` of them.

    Parameters
    ----------
    memory
        Errors that count; until there are as many, all count alike.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.counts = np.zeros(0)
        self.squares = np.zeros(0)

    def grow(self, n: int) -> None:
        """Make room for the errors of `n` features."""
        more = n - len(self.counts)
        self.counts = np.concatenate([self.counts, np.zeros(more)])
        self.squares = np.concatenate([self.squares, np.zeros(more)])

    def saw(self, errors: np.ndarray) -> None:
        """Take the errors of one sample into account, (features,); NaN where there is none."""
        there = np.isfinite(errors)
        counts = np.minimum(self.counts + there, self.memory)
        squares = np.where(there, errors, 0.0) ** 2
        usual = np.where(self.counts > 1, _MOST**2 * self.squares, math.inf)
        change = np.minimum(squares, usual) - self.squares
        self.squares += np.where(there, change / np.maximum(counts, 1.0), 0.0)
        self.counts = counts

    def score(self, errors: np.ndarray) -> float:
        """Return u² / (1 + u²) for errors of u times the usual size; 0 where nothing is usual."""
        there = np.isfinite(errors) & (self.squares > 0.0)
        if not there.any():
            return 0.0
        u = float(np.mean(errors[there] ** 2 / self.squares[there]))
        return u / (1.0 + u) if u < math.inf else 1.0

    def kept(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {"counts": self.counts, "squares": self.squares}

    def restore(self, kept: dict[str, Any], n: int) -> None:
        """Take over what `kept` returned, of `n` features; ValueError if it is something else."""
        counts, squares = (np.asarray(kept[name], np.float64) for name in ("counts", "squares"))
        if counts.shape != (n,) or squares.shape != (n,) or not (counts >= 0).all():
            raise ValueError(f"sizes of the errors of {n} features cannot be {kept}")
        self.counts, self.squares = counts, squares
