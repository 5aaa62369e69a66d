"""The last targets as input features: known before the prediction, and given to every model.

A series without other columns has nothing else to be predicted from. Numbers become one column a
lag, ``flow[t-1]``; labels become one column for each label seen so far, ``move[t-1]=up``.
"""

import math
from collections import deque

from .errors import DataError
from .rows import Sample
from .settings import Task


class Lags:
    """Remember the last targets and append them to samples.

    Parameters
    ----------
    target
        The name of the target, for the names of the columns.
    count
        How many targets to remember.
    task
        Whether they are numbers or labels.
    """

    def __init__(self, target: str, count: int, task: Task) -> None:
        self._stems = [f"{target}[t-{lag}]" for lag in range(1, count + 1)]
        # None for a target that was missing, and for those before the first row.
        self._last: deque[float | str | None] = deque([None] * count, maxlen=count)
        self._labels: dict[str, None] | None = {} if task == "classification" else None
        self._names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def extend(self, sample: Sample) -> tuple[tuple[str, ...], list[float]]:
        """Return names and values of the features with the lags appended.

        Must be called before `remember` is called with the target of the same sample.
        """
        names = self._names.get(sample.names) or self._extended(sample.names)
        return names, sample.values + self._values()

    def remember(self, target: float | str | None) -> None:
        """Take in the target of a sample, or None if it is missing."""
        self._last.appendleft(target)
        if isinstance(target, str) and self._labels is not None and target not in self._labels:
            self._labels[target] = None
            self._names.clear()

    def _values(self) -> list[float]:
        if self._labels is None:
            return [math.nan if last is None else float(last) for last in self._last]
        return [
            math.nan if last is None else float(last == label)
            for last in self._last
            for label in self._labels
        ]

    def _extended(self, names: tuple[str, ...]) -> tuple[str, ...]:
        if self._labels is None:
            own = self._stems
        else:
            own = [f"{stem}={label}" for stem in self._stems for label in self._labels]
        for name in own:
            if name in names:
                what = "a column has the name of an added feature, the last target"
                remedy = "Rename it, leave it out with --drop, or add none with --lags 0"
                raise DataError(what, column=name, remedy=remedy)
        self._names[names] = (*names, *own)
        return self._names[names]
