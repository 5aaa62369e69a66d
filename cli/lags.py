"""The last targets as input features of the linear baselines, which remember nothing themselves.

Numbers become one column a lag, ``flow[t-1]``; labels become one column for each label seen so far,
``move[t-1]=up``.
"""

from __future__ import annotations

from collections import deque

from .errors import DataError


class Lags:
    """Remember the last targets and append them to samples.

    Parameters
    ----------
    target
        The name of the target, for the names of the columns.
    count
        How many targets to remember.
    """

    def __init__(self, target: str, count: int) -> None:
        self._stems = [f"{target}[t-{lag}]" for lag in range(1, count + 1)]
        # None for a target that was missing, and for those before the first row.
        self._last: deque[float | str | None] = deque([None] * count, maxlen=count)
        self._labels: dict[str, None] = {}

    def extended(self, x: dict[str, float]) -> dict[str, float]:
        """Return a sample with the lags that are known.

        Must be called before `remember` is called with the target of the same sample.
        """
        made = dict(x)
        for stem, last in zip(self._stems, self._last, strict=True):
            lags: dict[str, float | None]
            if isinstance(last, str):
                lags = {f"{stem}={label}": float(label == last) for label in self._labels}
            else:
                lags = {stem: last}
            for name, value in lags.items():
                if name in x:
                    what = "a column has the name of an added feature, the last target"
                    remedy = "Rename it, leave it out with --drop, or add none with --lags 0"
                    raise DataError(what, column=name, remedy=remedy)
                if value is not None:
                    made[name] = value
        return made

    def remember(self, target: float | str | None) -> None:
        """Take in the target of a sample, or None if it is missing."""
        if isinstance(target, str):
            self._labels[target] = None
        self._last.appendleft(target)
