"""The pass over the stream: every row is read once, and played by all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from ..blocks import Block
from ..contestants import Contestant
from ..scoreboard import Scoreboard
from ..settings import Task
from .curve import Curve

if TYPE_CHECKING:
    import numpy as np


class Field(Scoreboard):
    """Networks and others on the same rows; networks several at a time.

    Parameters
    ----------
    task
        Which metrics to take.
    networks, others
        The models.
    pool
        Where networks play: compiled code leaves Python's lock to others. None: one after the
        other.
    """

    def __init__(
        self,
        task: Task,
        networks: Sequence[Contestant],
        others: Sequence[Contestant],
        pool: Executor | None,
    ) -> None:
        super().__init__(task, [*networks, *others])
        self._networks, self._others = networks, others
        self._pool = pool
        self.curves = [Curve() for _ in self.contestants]

    def play(self, block: Block) -> list[np.ndarray]:
        """Let every model play the block; return the predictions of each."""
        self.saw(block)
        self.without_target += len(block) - int(block.is_known.sum())
        run = map if self._pool is None else self._pool.map
        played = list(run(lambda one: one.play(block), self._networks))
        # Python's own models after that: they would hold the lock that the networks wait for.
        played += [one.play(block) for one in self._others]
        known = block.is_known
        self.score(block.targets[known], [made[known] for made in played])
        return played

    def score(self, targets: np.ndarray, predictions: Sequence[np.ndarray]) -> None:
        """Compare what every model predicted with targets, all of which are known."""
        first = 0 if self._begun else 1
        for curve, made in zip(self.curves, predictions, strict=True):
            curve.add(_errors(targets[first:], made[first:]))
        super().score(targets, predictions)


def _errors(targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return absolute errors, or 1 for each wrong label; NaN where there is no number."""
    import numpy as np

    if targets.dtype == object:
        return np.array([a != b for a, b in zip(targets, predictions, strict=True)], float)
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.abs(targets - predictions)
    return np.where(np.isfinite(errors), errors, math.nan)
