"""Time stamps as moments: ISO 8601, seconds since 1970, and what data frames hold."""

import datetime
import math
from collections.abc import Sequence
from typing import Any

from .cells import MISSING

#: Seconds since 1970 that are farther in the future are milliseconds, and so on.
LATEST = 1e11


def moment(cell: Any) -> datetime.datetime | None:
    """Return a cell as a moment, None if it is missing; raise ValueError if it is neither.

    Numbers are seconds since 1970, or milli-, micro- or nanoseconds where seconds would lie
    thousands of years ahead.

    Examples
    --------
    >>> moment("2026-02-28 13:30")
    datetime.datetime(2026, 2, 28, 13, 30)
    >>> moment("1700000000000").year, moment("NA")
    (2023, None)
    """
    if isinstance(cell, datetime.datetime):
        return cell
    if isinstance(cell, datetime.date):
        return datetime.datetime(cell.year, cell.month, cell.day)
    if cell is None or isinstance(cell, bool | list | dict):
        if cell is None:
            return None
        raise ValueError(cell)
    if isinstance(cell, str):
        text = cell.strip()
        if text.casefold() in MISSING:
            return None
        try:
            cell = float(text)
        except ValueError:
            return _from_text(text)
    return _from_number(float(cell))


def moments(cells: Sequence[Any]) -> list[datetime.datetime | None]:
    """Return `moment` of each cell."""
    return [moment(cell) for cell in cells]


def is_moment(cell: Any) -> bool:
    """Say whether a cell is a time stamp, and no number."""
    if isinstance(cell, str):
        try:
            return _from_text(cell.strip()) is not None
        except ValueError:
            return False
    return isinstance(cell, datetime.date)


def _from_text(text: str) -> datetime.datetime:
    if text.isdigit():
        raise ValueError(text)
    return datetime.datetime.fromisoformat(text)


def _from_number(seconds: float) -> datetime.datetime | None:
    if math.isnan(seconds):
        return None
    for _ in range(3):
        if abs(seconds) > LATEST:
            seconds /= 1000
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)
    except (OverflowError, OSError, ValueError):
        raise ValueError(seconds) from None
