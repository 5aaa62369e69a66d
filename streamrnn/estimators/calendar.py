"""Where a moment lies in the day, the week and the year, as numbers for a network."""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np


def _of_day(moment: date) -> float:
    if not isinstance(moment, datetime):
        return 0.0
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return (seconds + moment.microsecond / 1e6) / 86_400


def _of_week(moment: date) -> float:
    return (moment.weekday() + _of_day(moment)) / 7


def _of_year(moment: date) -> float:
    day = moment.timetuple().tm_yday - 1 + _of_day(moment)
    return day / (366 if calendar.isleap(moment.year) else 365)


#: What share of each cycle has gone by, from 0 to 1.
CYCLES: dict[str, Callable[[date], float]] = {"day": _of_day, "week": _of_week, "year": _of_year}


def with_calendar(x: Mapping[Hashable, Any], cycles: Sequence[str]) -> dict[Hashable, Any]:
    """Return a sample in which sine and cosine of `cycles` stand for each date or datetime.

    They are called ``(name, cycle, "sin")`` and ``(name, cycle, "cos")``. A circle has no jump at
    midnight, which the hour as a number has. Times of day are those of the clock that is given.
    """
    sample: dict[Hashable, Any] = {}
    for name, value in x.items():
        moment = _moment(value)
        if moment is None:
            sample[name] = value
            continue
        for cycle in cycles:
            angle = 2 * math.pi * CYCLES[cycle](moment)
            sample[name, cycle, "sin"] = math.sin(angle)
            sample[name, cycle, "cos"] = math.cos(angle)
    return sample


def _moment(value: Any) -> date | None:
    """Return a date or a datetime as Python's; None if it is neither, or NumPy's not-a-time."""
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    # Pandas' NaT passes for a datetime and differs from itself.
    return value if isinstance(value, date) and value == value else None
