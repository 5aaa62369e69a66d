"""Several numbers by name: regression with several targets."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from streamrnn.estimators.features import target
from streamrnn.estimators.outputs.named import Named


class Numbers(Named):
    """An output a target."""

    task = "regression"

    def number(self, name: Hashable, value: Any) -> float:
        """Return the value as a float."""
        return target(value, f"{self.word} {name!r}")

    def answer(self, out: np.ndarray) -> dict[Any, float]:
        """Return the numbers by name."""
        return dict(zip(self._places, out.tolist(), strict=False))

    def answers(self, out: np.ndarray) -> np.ndarray:
        """Return the numbers, (T, targets)."""
        return out

    def guess(self, out: np.ndarray) -> np.ndarray:
        """Return the numbers."""
        return out
