"""When something that is to happen now and then is due."""

import re
import time

#: Seconds in the units of time that are known.
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Pace:
    """Says when something that is to happen now and then is due.

    Parameters
    ----------
    every
        A number of rows, as ``1000``, or a time, as ``30s``, ``5m`` or ``1h``.

    Raises
    ------
    ValueError
        If it is neither, or not more than 0.
    """

    def __init__(self, every: str) -> None:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", every.strip())
        if found is None or not float(found[1]) or (not found[2] and "." in found[1]):
            raise ValueError(every)
        #: The number of rows that may lie between; None if it goes by time.
        self.rows = None if found[2] else int(found[1])
        self._seconds = float(found[1]) * UNITS.get(found[2], 0.0)
        self._last_rows = 0
        self._last_time = time.monotonic()

    def is_due(self, rows: int) -> bool:
        """Say whether it is time, when that many rows have been seen."""
        if self.rows is not None:
            return rows - self._last_rows >= self.rows
        return rows > self._last_rows and time.monotonic() - self._last_time >= self._seconds

    def done(self, rows: int) -> None:
        """Take note that it has happened."""
        self._last_rows = rows
        self._last_time = time.monotonic()
