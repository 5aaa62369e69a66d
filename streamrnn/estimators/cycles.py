"""Where a moment lies in the day, the week and the year, as numbers for a network."""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

from streamrnn._checks import check_choice, check_several
from streamrnn.estimators.features import PLAIN


def _of_day(moment: date) -> float:
    if not isinstance(moment, datetime):
        return 0.0
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return (seconds + moment.microsecond / 1e6) / 86_400


def _of_week(moment: date, day: float) -> float:
    return (moment.weekday() + day) / 7


def _of_year(moment: date, day: float) -> float:
    days = moment.toordinal() - date(moment.year, 1, 1).toordinal()
    return (days + day) / (366 if calendar.isleap(moment.year) else 365)


#: What share of each cycle has gone by, from 0 to 1, at a moment and its share of the day.
CYCLES: dict[str, Callable[[date, float], float]] = {
    "day": lambda _, day: day,
    "week": _of_week,
    "year": _of_year,
}


def checked_cycles(cycles: Any) -> tuple[str, ...]:
    """Return the cycles of a calendar; TypeError or ValueError if they are none."""
    check_several("calendar", cycles, "names of cycles")
    for cycle in cycles:
        check_choice("calendar", cycle, tuple(CYCLES))
    return tuple(cycles)


def with_cycles(x: Mapping[Hashable, Any], cycles: Sequence[str]) -> dict[Hashable, Any]:
    """Return a new sample in which sine and cosine of `cycles` stand for each date or datetime.

    They are called ``(name, cycle, "sin")`` and ``(name, cycle, "cos")``. A circle has no jump at
    midnight, which the hour as a number has. Times of day are those of the clock that is given,
    whatever its time zone. What is not known, None or not-a-time, is left out: it may be a number
    or a moment.
    """
    if type(x) is dict and PLAIN.issuperset(map(type, x.values())):
        return x.copy()
    sample: dict[Hashable, Any] = {}
    for name, value in x.items():
        moment = _python_time(value)
        if isinstance(moment, date):
            _put_cycles(sample, name, moment, cycles)
        elif moment is not None:
            sample[name] = value
    return sample


def _put_cycles(
    sample: dict[Hashable, Any], name: Hashable, moment: date, cycles: Sequence[str]
) -> None:
    day = _of_day(moment)
    for cycle in cycles:
        angle = 2 * math.pi * CYCLES[cycle](moment, day)
        sample[name, cycle, "sin"] = math.sin(angle)
        sample[name, cycle, "cos"] = math.cos(angle)


def _python_time(value: Any) -> Any:
    """Return NumPy's and pandas' times as Python's, not-a-time as None, all else as it is."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value.astype("datetime64[us]").item()
    # Pandas' NaT passes for a datetime and differs from itself.
    return None if isinstance(value, date) and value != value else value
