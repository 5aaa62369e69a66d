"""What a forecast has to beat: the last value again, and the last season again."""

from __future__ import annotations

import math
from collections import deque


class Past:
    """The last values of a series.

    Parameters
    ----------
    season
        How many there are in a season, or None.
    """

    def __init__(self, season: int | None) -> None:
        self._season = season
        self._values: deque[float] = deque(maxlen=season or 1)
        self._last = math.nan

    def append(self, value: float) -> None:
        """Take in the next value, NaN if it is unknown."""
        self._values.append(value)
        if not math.isnan(value):
            self._last = value

    @property
    def is_enough(self) -> bool:
        """Whether all rivals have something to say."""
        return not math.isnan(self._last) and len(self._values) == self._values.maxlen

    def forecasts(self, horizon: int) -> list[list[float]]:
        """Return what each rival says of the next values.

        Examples
        --------
        >>> past = Past(season=3)
        >>> for value in [1.0, 2.0, 3.0, 4.0]:
        ...     past.append(value)
        >>> past.forecasts(4)
        [[4.0, 4.0, 4.0, 4.0], [2.0, 3.0, 4.0, 2.0]]
        """
        found = [[self._last] * horizon]
        if self._season is not None:
            values = list(self._values)
            repeated = (values[step % self._season] for step in range(horizon))
            found.append([self._last if math.isnan(value) else value for value in repeated])
        return found

    @property
    def names(self) -> list[str]:
        """Return the names of the rivals."""
        return ["last value"] + ([f"{self._season} rows before"] if self._season else [])
