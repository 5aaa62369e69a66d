"""k nearest neighbours among all that was seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from river.preprocessing import StandardScaler

from quality.protocol import Supervised, WithPast
from quality.rows import Row, in_process

NEIGHBOURS, MEMORY = 10, 10_000


class Neighbours:
    """Answers by the samples whose inputs are nearest, the last 10 000 being kept.

    Parameters
    ----------
    votes
        Whether targets are labels, of which the most frequent is the answer; else their mean is.
    """

    def __init__(self, votes: bool = False) -> None:
        self._votes = votes
        self._inputs = np.zeros((MEMORY, 0))
        self._targets: list[Any] = []
        self._n = 0

    def predict_one(self, x: dict[str, float]) -> Any:
        """Return the mean of the nearest samples' targets, or the label that most have."""
        n = min(self._n, MEMORY)
        if n == 0:
            return None if self._votes else 0.0
        off = self._inputs[:n] - np.fromiter(x.values(), float, len(x))
        distances = np.einsum("ij,ij->i", off, off)
        k = min(NEIGHBOURS, n)
        nearest = np.argpartition(distances, k - 1)[:k]
        if not self._votes:
            return float(np.mean([self._targets[i] for i in nearest]))
        labels = [self._targets[i] for i in nearest]
        return max(sorted(set(labels)), key=labels.count)

    def learn_one(self, x: dict[str, float], y: Any) -> None:
        """Keep a sample in place of the oldest."""
        if self._n == 0:
            self._inputs = np.zeros((MEMORY, len(x)))
        at = self._n % MEMORY
        self._inputs[at] = np.fromiter(x.values(), float, len(x))
        self._targets[at : at + 1] = [y]
        self._n += 1


def _scaled(votes: bool) -> Row:
    def make(stream: Any, seed: int) -> Supervised:
        return Supervised(_OfScaled(votes))

    return Row(in_process(make))


class _OfScaled:
    """`Neighbours` of standardised inputs; samples are kept as they were scaled when they came."""

    def __init__(self, votes: bool) -> None:
        self._scaler, self._model = StandardScaler(), Neighbours(votes)

    def predict_one(self, x: dict[str, float]) -> Any:
        return self._model.predict_one(self._scaler.transform_one(x))

    def learn_one(self, x: dict[str, float], y: Any) -> None:
        self._scaler.learn_one(x)
        self._model.learn_one(self._scaler.transform_one(x), y)


def _of_past(n: int) -> Row:
    return Row(in_process(lambda stream, seed: WithPast(_OfScaled(False), n)))


ROWS = {
    "taxi": {"kNN, last 48 values": _of_past(48)},
    "chaotic": {"kNN, last 10 values": _of_past(10)},
    "regression": {"kNN": _scaled(votes=False)},
    "classification": {"kNN": _scaled(votes=True)},
}
