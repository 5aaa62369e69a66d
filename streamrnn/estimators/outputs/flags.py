"""Any number of several labels at once: multi-label classification."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np

from streamrnn.estimators.features import is_missing
from streamrnn.estimators.outputs.named import Named


class Flags(Named):
    """An output a label: the probability that it holds."""

    task = "multilabel"
    word, limit_name = "label", "max_labels"

    def number(self, name: Hashable, value: Any) -> float:
        """Return 1 for what is True, 0 for what is False."""
        if is_missing(value) or value != value:
            return math.nan
        if value in (True, False):
            return float(value)
        raise TypeError(f"label {name!r} is {value!r}; not True or False, nor None if unknown")

    def answer(self, out: np.ndarray) -> dict[Any, dict[bool, float]]:
        """Return for each label the probabilities that it does not hold and that it does."""
        return {
            name: {False: 1.0 - p, True: p}
            for name, p in zip(self._places, out.tolist(), strict=True)
        }

    def answers(self, out: np.ndarray) -> np.ndarray:
        """Return the probabilities that the labels hold, (T, labels)."""
        return out

    def guess(self, out: np.ndarray) -> np.ndarray:
        """Return 1 for labels that more probably hold than not, 0 for the others."""
        return (out > 0.5).astype(np.float64)
