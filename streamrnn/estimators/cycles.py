"""Where a moment lies in the day, the week and the year, as numbers for a network."""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable, Hashable, Mapping
from datetime import date, datetime
from typing import Any

import numpy as np

from streamrnn._checks import check_choice, check_count, check_several
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


#: More would be faster than a cycle's samples can tell.
MOST_HARMONICS = 100


def checked_cycles(given: Any) -> dict[str, int]:
    """Return the cycles of a calendar and how many harmonics of each become inputs.

    Raises
    ------
    TypeError, ValueError
        If they are no names of cycles, nor pairs of a name and a number.
    """
    check_several("calendar", given, "names of cycles, or pairs of a name and a number")
    cycles = {}
    for one in given:
        name, n = one if isinstance(one, (tuple, list)) and len(one) == 2 else (one, 1)
        check_choice("calendar", name, tuple(CYCLES))
        check_count(f"harmonics of the {name}", n, 1)
        if n > MOST_HARMONICS:
            raise ValueError(f"harmonics of the {name} must be at most {MOST_HARMONICS}, got {n}")
        cycles[name] = int(n)
    return cycles


def with_cycles(x: Mapping[Hashable, Any], cycles: Mapping[str, int]) -> dict[Hashable, Any]:
    """Return a new sample in which sine and cosine of `cycles` stand for each date or datetime.

    They are called ``(name, cycle, "sin")`` and ``(name, cycle, "cos")``, and where a cycle has
    more harmonics those behind the first ``(name, cycle, "sin", 2)`` and so on. A circle has no
    jump at midnight, which the hour as a number has. Times of day are those of the clock that is
    given, whatever its time zone. What is not known, None or not-a-time, is left out: it may be a
    number or a moment.
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
    sample: dict[Hashable, Any], name: Hashable, moment: date, cycles: Mapping[str, int]
) -> None:
    day = _of_day(moment)
    for cycle, n_harmonics in cycles.items():
        angle = 2 * math.pi * CYCLES[cycle](moment, day)
        sample[name, cycle, "sin"] = math.sin(angle)
        sample[name, cycle, "cos"] = math.cos(angle)
        for k in range(2, n_harmonics + 1):
            sample[name, cycle, "sin", k] = math.sin(k * angle)
            sample[name, cycle, "cos", k] = math.cos(k * angle)


def _python_time(value: Any) -> Any:
    """Return NumPy's and pandas' times as Python's, not-a-time as None, all else as it is."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value.astype("datetime64[us]").item()
    # Pandas' NaT passes for a datetime and differs from itself.
    return None if isinstance(value, date) and value != value else value
