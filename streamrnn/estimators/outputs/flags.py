"""Any number of several labels at once: multi-label classification."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np

from streamrnn.estimators.features import number
from streamrnn.estimators.outputs.named import Named


class Flags(Named):
    """An output a label: the probability that it holds."""

    task = "multilabel"

    def __init__(self, limit: int | None = None, limit_name: str = "max_labels") -> None:
        super().__init__(limit, "label", limit_name)

    def number(self, name: Hashable, value: Any) -> float:
        """Return 1 for what is True or 1, 0 for what is False or 0."""
        if value is True:
            return 1.0
        if value is False:
            return 0.0
        try:
            flag = number(value)
        except TypeError:
            flag = math.inf
        if flag in (0.0, 1.0) or math.isnan(flag):
            return flag
        raise TypeError(f"label {name!r} is {value!r}, not True or False, nor None if unknown")

    def answer(self, out: np.ndarray) -> dict[Any, dict[bool, float]]:
        """Return for each label the probabilities that it does not hold and that it does."""
        return {
            name: {False: 1.0 - p, True: p}
            for name, p in zip(self._places, out.tolist(), strict=False)
        }

    def answers(self, out: np.ndarray) -> np.ndarray:
        """Return the probabilities that the labels hold, (T, labels)."""
        return out

    def guess(self, out: np.ndarray) -> np.ndarray:
        """Return 1 for labels that more probably hold than not, 0 for the others."""
        return (out > 0.5).astype(np.float64)
