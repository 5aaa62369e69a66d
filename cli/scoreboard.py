"""All models on the same stream: who predicted what, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .blocks import Block
from .contestants import Contestant
from .metrics import scores
from .settings import Task

if TYPE_CHECKING:
    import numpy as np

#: Counts of what was played.
COUNTS = ("rows", "without_target", "missing_cells")


class Scoreboard:
    """Let the models play block by block and score them on the same rows.

    A row is scored if it has a target and an earlier row had one too: nobody can know the first.

    Parameters
    ----------
    task
        Which metrics to take.
    contestants
        The models; the first is the one that the run is about.

    Attributes
    ----------
    task : "regression" or "classification"
        The task.
    rows, without_target, missing_cells : int
        Counts of what was played.
    """

    def __init__(self, task: Task, contestants: Sequence[Contestant]) -> None:
        self.task = task
        self.contestants = contestants
        self.scores = [scores(task) for _ in contestants]
        self.rows = 0
        self.without_target = 0
        self.missing_cells = 0
        self._begun = False

    @property
    def scored(self) -> int:
        """The number of rows that were scored."""
        return self.scores[0].count

    def play(self, block: Block) -> list[np.ndarray]:
        """Let every model play the block; return the predictions of each."""
        self.saw(block)
        self.without_target += len(block) - int(block.is_known.sum())
        played = [contestant.play(block) for contestant in self.contestants]
        self.score(block.targets[block.is_known], [made[block.is_known] for made in played])
        return played

    def saw(self, block: Block) -> None:
        """Count rows that are played."""
        self.rows += len(block)
        self.missing_cells += block.missing()

    def score(self, targets: np.ndarray, predictions: Sequence[np.ndarray]) -> None:
        """Compare what every model predicted with targets, all of which are known."""
        if not len(targets):
            return
        first = 0 if self._begun else 1
        self._begun = True
        for found, made in zip(self.scores, predictions, strict=True):
            found.update(targets[first:], made[first:])

    # --- for checkpoints

    def state(self) -> dict[str, Any]:
        """Return what was counted, and what each baseline knows, as JSON can say it."""
        return {
            "counts": [getattr(self, name) for name in COUNTS],
            "begun": self._begun,
            "scores": [found.state() for found in self.scores],
            "seconds": [contestant.seconds for contestant in self.contestants],
            "baselines": {one.name: one.state() for one in self._baselines},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        for name, count in zip(COUNTS, state["counts"], strict=True):
            setattr(self, name, count)
        self._begun = state["begun"]
        for found, kept in zip(self.scores, state["scores"], strict=True):
            found.restore(kept)
        for contestant, seconds in zip(self.contestants, state["seconds"], strict=True):
            contestant.seconds = float(seconds)
        for one in self._baselines:
            one.restore(state["baselines"][one.name])

    @property
    def _baselines(self) -> Sequence[Any]:
        return self.contestants[1:]
