"""All models on the same stream: who predicted what, and how well."""

from collections.abc import Sequence
from typing import Any

from .blocks import Block
from .contestants import Contestant
from .metrics import Scores
from .settings import Task


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
    rows, without_target, missing_cells : int
        Counts of what was played.
    """

    def __init__(self, task: Task, contestants: Sequence[Contestant]) -> None:
        self.contestants = contestants
        self.scores = [Scores(task) for _ in contestants]
        self.rows = 0
        self.without_target = 0
        self.missing_cells = 0
        self._begun = False

    @property
    def scored(self) -> int:
        """The number of rows that were scored."""
        return self.scores[0].count

    def play(self, block: Block) -> list[Any]:
        """Let every model play the block; return the predictions of the first."""
        known = [i for i, target in enumerate(block.targets) if target is not None]
        self.rows += len(block)
        self.without_target += len(block) - len(known)
        self.missing_cells += block.missing()
        if known and not self._begun:
            self._begun = True
            del known[0]
        targets = [block.targets[i] for i in known]
        played = [contestant.play(block) for contestant in self.contestants]
        for scores, predictions in zip(self.scores, played, strict=True):
            scores.update(targets, [predictions[i] for i in known])
        return played[0]
