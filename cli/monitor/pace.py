"""How fast the network went along the run, and how many of its updates were held back."""

from typing import Any

from .ledger import Ledger

#: Rows in a stretch at first; counters are read once a block, mostly.
WIDTH = 64
#: The model's counters that are followed.
FOLLOWED = ("updates", "clipped", "skipped", "missing_values")


class Pace:
    """Seconds and counters over stretches of rows.

    Parameters
    ----------
    counters
        The model's counters at the start: what was counted before is not the run's.
    """

    def __init__(self, counters: dict[str, int]) -> None:
        self._before = _followed(counters)
        self._ledger = Ledger(2 + len(FOLLOWED), WIDTH)

    def add(
        self, last: int, rows: int, seconds: float, unknown: int, counters: dict[str, int]
    ) -> None:
        """Take in rows, of which so many had no target, and the model's counters after them."""
        now = _followed(counters)
        steps = [after - before for after, before in zip(now, self._before, strict=True)]
        self._before = now
        self._ledger.add([seconds, unknown, *steps], last, rows)

    def snapshot(self) -> dict[str, Any]:
        """Return ``rates`` as `Monitor.snapshot` describes them."""
        last, rows, sums = _without_rest(*self._ledger.columns())
        seconds, unknown, updates, clipped, skipped, missing = sums
        return {
            "width": self._ledger.width,
            "row": last.tolist(),
            "rows": rows.tolist(),
            "rows_per_second": _ratios(rows, seconds),
            "updates": updates.astype(int).tolist(),
            "clipped": _ratios(clipped, updates),
            "skipped": _ratios(skipped, updates + skipped),
            "missing": _ratios(missing, rows),
            "unknown": _ratios(unknown, rows),
        }

    def state(self) -> dict[str, Any]:
        """Return everything, as JSON can hold it."""
        return {"before": list(self._before), **self._ledger.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._before = list(state["before"])
        self._ledger.restore(state)


def _without_rest(last: Any, rows: Any, sums: Any) -> Any:
    """Add what has just begun to the stretch before: of few rows, the speed is no speed."""
    import numpy as np

    if len(rows) < 2 or 2 * rows[-1] >= rows[-2]:
        return last, rows, sums
    begins = range(len(rows) - 1)
    sums = np.add.reduceat(sums, begins, axis=1)
    return np.append(last[:-2], last[-1]), np.add.reduceat(rows, begins), sums


def _followed(counters: dict[str, int]) -> list[int]:
    return [counters.get(name, 0) for name in FOLLOWED]


def _ratios(parts: Any, wholes: Any) -> list[float | None]:
    """Return parts over wholes; None where there is no whole."""
    pairs = zip(parts.tolist(), wholes.tolist(), strict=True)
    return [part / whole if whole else None for part, whole in pairs]
