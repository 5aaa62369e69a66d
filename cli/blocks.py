"""Blocks: consecutive samples with the same features, which a model replays in one call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


@dataclass
class Block:
    """Consecutive samples with the same features, in columns.

    Parameters
    ----------
    names
        The features.
    X
        Their values, float64, (rows, features); a missing value is NaN.
    targets
        What is to be predicted, (rows,): float64, NaN where it is missing, or labels (dtype
        object), None where it is missing.
    numbers
        Which rows of the run they are, from 1; rows with errors count.
    times, keys, ids
        Time stamps, keys and ids of events as the source spells them, or None without such a
        column.
    """

    names: tuple[str, ...]
    X: np.ndarray
    targets: np.ndarray
    numbers: Sequence[int]
    times: Sequence[Any] | None = None
    keys: Sequence[Any] | None = None
    ids: Sequence[Any] | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def part(self, start: int, stop: int) -> Block:
        """Return the rows from `start` to before `stop`."""
        rows = slice(start, stop)
        beside = [None if kept is None else kept[rows] for kept in self._beside]
        return Block(self.names, self.X[rows], self.targets[rows], self.numbers[rows], *beside)

    def widened(self, names: Sequence[str], columns: np.ndarray) -> Block:
        """Return the same rows with further features."""
        import numpy as np

        X = np.concatenate([self.X, columns], axis=1)
        return Block((*self.names, *names), X, self.targets, self.numbers, *self._beside)

    @property
    def _beside(self) -> tuple[Sequence[Any] | None, ...]:
        return self.times, self.keys, self.ids

    @cached_property
    def is_known(self) -> np.ndarray:
        """Which rows have a target, (rows,)."""
        import numpy as np

        if self.targets.dtype == object:
            return np.array([target is not None for target in self.targets], bool)
        return ~np.isnan(self.targets)

    def dicts(self) -> list[dict[str, float]]:
        """Return the features as River takes them; missing values are left out."""
        isfinite = math.isfinite
        return [
            {name: v for name, v in zip(self.names, row, strict=True) if isfinite(v)}
            for row in self.X.tolist()
        ]

    def missing(self) -> int:
        """Count the cells without a value."""
        import numpy as np

        return int(self.X.size - np.isfinite(self.X).sum())
