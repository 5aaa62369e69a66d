"""The moments after a series: by the usual step, or by the calendar where that is months."""

from __future__ import annotations

import calendar
import datetime
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from ..cells import is_number, number
from ..moments import LATEST

Moment = datetime.datetime


def after(moments: Sequence[Moment], count: int) -> list[Moment] | None:
    """Return the moments after some; None if they do not tell.

    Parameters
    ----------
    moments
        Those before, in their order.
    count
        How many to return.

    Examples
    --------
    >>> jan, feb = datetime.datetime(2024, 1, 31), datetime.datetime(2024, 2, 29)
    >>> [str(one.date()) for one in after([jan, feb], 2)]
    ['2024-03-31', '2024-04-30']
    """
    pairs = list(pairwise(moments))
    if not pairs:
        return None
    months = [n for n in (_months(a, b) for a, b in pairs) if n is not None]
    last = moments[-1]
    # Gaps make other steps; most of them are what is usual.
    if 2 * len(months) > len(pairs):
        step = statistics.median_low(months)
        day = max(moment.day for moment in moments[-12:])
        return [_month_later(last, step * n, day) for n in range(1, count + 1)]
    usual = statistics.median_low([b - a for a, b in pairs])
    if usual <= datetime.timedelta(0):
        return None
    return [last + usual * n for n in range(1, count + 1)]


def _months(a: Moment, b: Moment) -> int | None:
    """Return how many whole months lie between, None if it is no such number, or none."""
    months = (b.year - a.year) * 12 + b.month - a.month
    if months < 1 or a.time() != b.time():
        return None
    same = a.day == b.day or (_is_last(a) and _is_last(b))
    return months if same else None


def _is_last(moment: Moment) -> bool:
    return moment.day == calendar.monthrange(moment.year, moment.month)[1]


def _month_later(moment: Moment, months: int, day: int) -> Moment:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    month += 1
    return moment.replace(year=year, month=month, day=min(day, calendar.monthrange(year, month)[1]))


def speller(cell: Any) -> Callable[[Moment], Any]:
    """Return what spells a moment as a time stamp of the source is spelt.

    Examples
    --------
    >>> speller("2024-01-31 09:00")(datetime.datetime(2024, 2, 1, 10))
    '2024-02-01 10:00'
    >>> speller("1700000000000")(datetime.datetime(2023, 11, 14, 22, 13, 21))
    1700000001000
    """
    if isinstance(cell, datetime.date) or not is_number(cell):
        text = cell if isinstance(cell, str) else cell.isoformat()
        text = text.strip()
        if len(text) <= 10:
            return lambda moment: _date_if_whole(moment)
        how = {"sep": text[10], "timespec": "minutes" if text.count(":") == 1 else "auto"}
        return lambda moment: moment.isoformat(**how)
    scale, seconds = 1, abs(number(cell))
    while seconds > LATEST:
        seconds, scale = seconds / 1000, scale * 1000
    whole = float(number(cell)).is_integer()

    def as_number(moment: Moment) -> float:
        value = moment.replace(tzinfo=datetime.UTC).timestamp() * scale
        return round(value) if whole else value

    return as_number


def _date_if_whole(moment: Moment) -> str:
    if moment.time() == datetime.time(0):
        return moment.date().isoformat()
    return moment.isoformat(sep=" ")
