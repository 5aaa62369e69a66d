"""A number, or several in a fixed order: regression."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from streamrnn.estimators.blocks import numbers
from streamrnn.estimators.features import target
from streamrnn.estimators.outputs.protocol import Block, Outputs


class Number(Outputs):
    """Outputs without names.

    Parameters
    ----------
    n
        How many.
    """

    task = "regression"

    def __init__(self, n: int = 1) -> None:
        super().__init__()
        self._n = n

    @property
    def n_targets(self) -> int:
        """As many as there are."""
        return self._n

    @property
    def n_answers(self) -> int:
        """As many as there are."""
        return self._n

    def _without_output(self, y: Any) -> list[Hashable]:
        """Return nothing: there are no names."""
        return []

    def put(self, y: Any, goal: memoryview[float]) -> bool:
        """Write the number."""
        goal[0] = target(y)
        return True

    def block(self, y: Any, n: int, grows: bool = True) -> Block:
        """Return the numbers as a column."""
        return Block(numbers(y, n).reshape(-1, 1), {}, [])

    def answer(self, out: np.ndarray) -> float:
        """Return the number."""
        return out.item(0)

    def answers(self, out: np.ndarray) -> np.ndarray:
        """Return the numbers, (T,)."""
        return out[:, 0]

    def guess(self, out: np.ndarray) -> np.ndarray:
        """Return the numbers."""
        return out
