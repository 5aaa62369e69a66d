"""Percentiles of the time a row takes, from a histogram with logarithmic bins."""

import math
from typing import Any

#: From 10 ns to 1000 s; a bin is 6 % wide, so a percentile is right within 3 %.
LOWEST, DECADES, PER_DECADE = -2, 11, 40


class Latency:
    """How long rows took, in microseconds."""

    def __init__(self) -> None:
        self._counts = [0] * (DECADES * PER_DECADE)
        self._total = 0
        self._max = 0.0

    def add(self, microseconds: float, rows: int) -> None:
        """Count rows that took so long each."""
        exponent = math.log10(microseconds) if microseconds > 0 else LOWEST
        place = int((exponent - LOWEST) * PER_DECADE)
        self._counts[min(max(place, 0), len(self._counts) - 1)] += rows
        self._total += rows
        self._max = max(self._max, microseconds)

    def snapshot(self) -> dict[str, float | None]:
        """Return ``p50``, ``p90``, ``p99`` and ``max`` in microseconds a row; None without rows."""
        found = {f"p{percent}": self._percentile(percent) for percent in (50, 90, 99)}
        return {**found, "max": self._max if self._total else None}

    def _percentile(self, percent: int) -> float | None:
        wanted, seen = self._total * percent / 100, 0
        for place, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                middle = 10 ** ((place + 0.5) / PER_DECADE + LOWEST)
                return min(middle, self._max)
        return None

    def state(self) -> dict[str, Any]:
        """Return everything, as JSON can hold it; bins without rows are left out."""
        counts = [[place, count] for place, count in enumerate(self._counts) if count]
        return {"counts": counts, "max": self._max}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.__init__()  # type: ignore[misc]
        for place, count in state["counts"]:
            self._counts[place] = count
        self._total = sum(self._counts)
        self._max = state["max"]
