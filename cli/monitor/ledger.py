"""Sums over stretches of a run: a few hundred, twice as long whenever there are too many."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

#: Stretches kept at most; even, so that pairs can be merged.
LIMIT = 400


class Ledger:
    """Sums of some columns over consecutive stretches of rows.

    Parameters
    ----------
    columns
        How many columns there are.
    width
        Rows in a stretch at first.
    """

    def __init__(self, columns: int, width: int) -> None:
        import numpy as np

        self.width = width
        self._sums = np.zeros((LIMIT, columns))
        self._rows = np.zeros(LIMIT, dtype=np.int64)  # how many there are in the stretch
        self._last = np.zeros(LIMIT, dtype=np.int64)  # the number of its last one
        self._used = 0

    def spread(self, values: "np.ndarray", rows: Any) -> None:
        """Add values, (columns, rows), each to the stretch of its row; rows are their numbers."""
        begin, total = 0, values.shape[1]
        while begin < total:
            end = min(total, begin + self._room())
            self.add(values[:, begin:end].sum(axis=1), rows[end - 1], end - begin)
            begin = end

    def add(self, sums: Any, last: int, rows: int) -> None:
        """Add sums, (columns,), over some rows as a whole, the last of which is number `last`."""
        if self._room() == self.width:
            if self._used == LIMIT:
                self._merge()
            self._used += 1
        now = self._used - 1
        self._sums[now] += sums
        self._rows[now] += rows
        self._last[now] = last

    def _room(self) -> int:
        """Return how many rows the stretch that comes next can take."""
        if not self._used or self._rows[self._used - 1] >= self.width:
            return self.width
        return self.width - int(self._rows[self._used - 1])

    def _merge(self) -> None:
        half = LIMIT // 2
        for column in (self._sums, self._rows):
            column[:half] = column[0::2] + column[1::2]
            column[half:] = 0
        self._last[:half] = self._last[1::2]
        self._used = half
        self.width *= 2

    def columns(self) -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
        """Return last rows and counts of rows, (stretches,), and sums, (columns, stretches)."""
        n = self._used
        return self._last[:n], self._rows[:n], self._sums[:n].T

    def state(self) -> dict[str, Any]:
        """Return everything, as JSON can hold it."""
        last, rows, sums = self.columns()
        parts = {"last": last.tolist(), "rows": rows.tolist(), "sums": sums.T.tolist()}
        return {"width": self.width, **parts}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.width, self._used = state["width"], len(state["rows"])
        self._last[: self._used] = state["last"]
        self._rows[: self._used] = state["rows"]
        if self._used:
            self._sums[: self._used] = state["sums"]
