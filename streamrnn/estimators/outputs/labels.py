"""One of several labels: classification."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np

from streamrnn.estimators.blocks import check_hashable, sequence
from streamrnn.estimators.features import is_missing
from streamrnn.estimators.outputs.protocol import Block, Outputs


class Labels(Outputs):
    """An output a label; the target is the label's place."""

    task = "classification"
    blank = 0.0

    def __init__(self, limit: int | None = None) -> None:
        super().__init__(limit, "label", "max_classes")

    def _without_output(self, y: Any) -> list[Hashable]:
        """Return the label if it is new."""
        return [y] if is_label(y) and y not in self._places else []

    @property
    def n_numbers(self) -> int:
        """One: the label's place."""
        return 1

    def put(self, y: Any, goal: memoryview[float]) -> bool:
        """Write the label's place; say whether it has one or cannot get one."""
        goal[0] = math.nan
        if not is_label(y):
            return True
        place = self._places.get(y)
        if place is None:
            return self.limit.has_warned
        goal[0] = place
        return True

    def block(self, y: Any, n: int, grows: bool = True) -> Block:
        """Return the labels' places as a column."""
        places = dict(self._places)
        arrivals: dict[int, list[Hashable]] = {}
        excess: list[Hashable] = []
        codes = np.full((n, 1), math.nan)
        for i, label in enumerate(sequence(y, n)):
            if not is_label(label):
                continue
            if label not in places:
                if not grows:
                    continue
                if not self.limit.fitting([label], len(places)):
                    excess = excess or [label]
                    continue
                places[label] = len(places)
                arrivals[i] = [label]
            codes[i] = places[label]
        return Block(codes, arrivals, excess)

    def answer(self, out: np.ndarray) -> dict[Any, float]:
        """Return the probability of each label."""
        probabilities = out[: len(self._places)]
        total = probabilities.sum() if len(probabilities) else 1.0
        return dict(zip(self._places, (probabilities / total).tolist(), strict=False))

    def answers(self, out: np.ndarray) -> np.ndarray:
        """Return the most probable labels, the first of equals; None where there was none yet."""
        labels = np.empty(len(self._places) + 1, object)
        for i, label in enumerate(self._places):  # one by one: a label may be a tuple
            labels[i] = label
        best = np.where(out.any(axis=1), out.argmax(axis=1), -1) if self._places else -1
        return labels[np.broadcast_to(best, len(out))]

    def guess(self, out: np.ndarray) -> np.ndarray:
        """Return the place of the most probable label, -1 before the first."""
        known = out[: len(self._places)]
        return np.array([known.argmax() if len(known) else -1.0])


def is_label(y: Any) -> bool:
    """Say whether a label is known: not None, not NaN (which differs from itself).

    Raises
    ------
    TypeError
        If it is not hashable.
    """
    if is_missing(y):
        return False
    check_hashable("the label", y)
    return bool(y == y)
