"""The last values of a series, some of which are inputs of the next step."""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from streamrnn._checks import check_count, check_several

#: As many values are kept as the greatest lag says; so many take 32 MB.
GREATEST_LAG = 1_000_000


class Past:
    """The last values of a series.

    Parameters
    ----------
    lags
        Which of them are inputs, 1 being the last.

    Raises
    ------
    TypeError, ValueError
        If they are no distinct integers from 1 to `GREATEST_LAG`.
    """

    def __init__(self, lags: Any) -> None:
        check_several("lags", lags, "integers")
        for lag in lags:
            check_count("each of lags", lag, 1)
            if lag > GREATEST_LAG:
                raise ValueError(f"each of lags must be at most {GREATEST_LAG}, got {lag!r}")
        if len(set(lags)) < len(lags):
            raise ValueError(f"lags={lags!r} has one of them twice")
        self._names = {int(lag): ("lag", int(lag)) for lag in lags}
        self._values: deque[float] = deque(maxlen=max(self._names, default=0))

    @property
    def names(self) -> list[Hashable]:
        """Names of the inputs: ``("lag", 1)``."""
        return list(self._names.values())

    @property
    def values(self) -> list[float]:
        """The last values, the newest last."""
        return list(self._values)

    def put(self, sample: dict[Hashable, Any]) -> None:
        """Put the inputs into a sample; NaN for those before the first value."""
        values, n = self._values, len(self._values)
        for lag, name in self._names.items():
            sample[name] = values[-lag] if lag <= n else math.nan

    def append(self, value: float) -> None:
        """Take the next value."""
        self._values.append(value)

    def forget(self) -> None:
        """Start again without values."""
        self._values.clear()

    def copy(self) -> Past:
        """Return a past that goes on by itself."""
        other = copy.copy(self)
        other._values = self._values.copy()
        return other


def listed(xs: Any) -> list[Any]:
    """Return samples as a list; TypeError for a single one, or something else."""
    if isinstance(xs, Mapping) or not isinstance(xs, Iterable):
        raise TypeError(
            f"xs must be a list of samples, one for each moment, got {xs!r}, a {type(xs).__name__}"
        )
    return list(xs)
