"""Targets and predictions of a whole run as a few thousand points, spikes among them."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .kinds import Kind
from .plain import cut, plain

if TYPE_CHECKING:
    import numpy as np

#: Points kept at most; a screen has fewer columns.
LIMIT = 4000
#: Rows at the end that are kept as they are.
RECENT = 500

_NAMES = ("position", "row", "time", "target", "prediction")


def thin(extremes: "Sequence[np.ndarray]", positions: "np.ndarray", width: int) -> "np.ndarray":
    """Choose the rows that stand for all: of each bucket the extremes, and the last one.

    Parameters
    ----------
    extremes
        Arrays (rows,); the row with the first of the greatest values of each is kept, NaN is none.
    positions
        How many rows came before each, (rows,), ascending.
    width
        Positions in a bucket. Thinning what is thin already, with more rows, is the same as
        thinning all rows at once.

    Returns
    -------
    ndarray
        The indices kept, (kept,), ascending.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([1.0, 5.0, 2.0, 3.0, 0.0, 4.0])
    >>> thin([values], np.arange(6), width=3).tolist()
    [1, 2, 5]
    """
    import numpy as np

    if width == 1 or not len(positions):
        return np.arange(len(positions))
    groups = positions // width
    begins = _changes(groups)
    ends = np.append(begins[1:], len(groups))
    kept = [ends - 1]
    for values in extremes:
        ranked = np.where(np.isnan(values), -math.inf, values)
        best = np.repeat(np.maximum.reduceat(ranked, begins), ends - begins)
        found = np.flatnonzero(ranked == best)
        kept.append(found[_changes(groups[found])])
    return np.unique(np.concatenate(kept))


def _changes(groups: "np.ndarray") -> "np.ndarray":
    """Return where another group begins, the first one included."""
    import numpy as np

    return np.append(0, 1 + np.flatnonzero(groups[1:] != groups[:-1]))


class Series:
    """The rows of a run, thinned ever more as it goes on, and the last ones as they are.

    Parameters
    ----------
    kind
        What targets are.
    """

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self.width = 1
        self._count = 0
        self._kept = 0
        # Joined when there are too many, or when they are read: joining costs more than adding.
        self._pieces: list[list[np.ndarray]] = []
        self._recent: list[list[np.ndarray]] = []

    def add(
        self,
        rows: Sequence[int],
        times: Sequence[Any] | None,
        targets: "np.ndarray",
        predictions: "np.ndarray",
    ) -> None:
        """Take in consecutive rows; predictions are the network's."""
        import numpy as np

        positions = np.arange(self._count, self._count + len(rows))
        self._count += len(rows)
        times = [None] * len(rows) if times is None else times
        chosen = thin(self._kind.extremes(targets, predictions), positions, self.width)
        places = chosen.tolist()
        chosen_rows, chosen_times = [rows[i] for i in places], [times[i] for i in places]
        arrays = targets[chosen], predictions[chosen]
        kept = [positions[chosen], _integers(chosen_rows), _objects(chosen_times), *arrays]
        self._keep([_cut(column) for column in kept])
        last = slice(-RECENT, None)
        # Copies, since the caller may fill its arrays anew.
        arrays = targets[last].copy(), predictions[last].copy()
        now = [positions[last], _integers(rows[last]), _objects(times[last]), *arrays]
        self._recent.append(now)
        while sum(len(piece[0]) for piece in self._recent[1:]) >= RECENT:
            del self._recent[0]

    def _keep(self, piece: "list[np.ndarray]") -> None:
        self._pieces.append(piece)
        self._kept += len(piece[0])
        if self._kept <= LIMIT:
            return
        # Pieces of one bucket may have come one by one.
        self._thin()
        while self._kept > LIMIT * 3 // 4:
            self.width *= 2
            self._thin()

    def _thin(self) -> None:
        columns = self._joined(self._pieces)
        chosen = thin(self._kind.extremes(*columns[3:]), columns[0], self.width)
        self._pieces = [[column[chosen] for column in columns]]
        self._kept = len(chosen)

    def _joined(self, pieces: "list[list[np.ndarray]]") -> "list[np.ndarray]":
        import numpy as np

        if not pieces:
            empty = np.zeros(0, dtype=np.int64)
            nothing = self._kind.column([])
            return [empty, empty, np.zeros(0, dtype=object), nothing, nothing]
        return [np.concatenate(column) for column in zip(*pieces, strict=True)]

    def snapshot(self) -> dict[str, list[Any]]:
        """Return the points of the whole run as columns: row, time, target, prediction."""
        return self._columns(self._joined(self._pieces))

    def recent(self) -> dict[str, list[Any]]:
        """Return the last rows as columns: row, time, target, prediction."""
        return self._columns(self._last())

    def _last(self) -> "list[np.ndarray]":
        # Cut here: of most rows that come nobody asks.
        return [_cut(column[-RECENT:]) for column in self._joined(self._recent)]

    def _columns(self, columns: "list[np.ndarray]") -> dict[str, list[Any]]:
        _, rows, times, targets, predictions = columns
        return {
            "row": rows.tolist(),
            "time": [plain(time) for time in times],
            "target": self._kind.plain(targets),
            "prediction": self._kind.plain(predictions),
        }

    def state(self) -> dict[str, Any]:
        """Return everything, as JSON can hold it."""
        kept, recent = self._joined(self._pieces), self._last()
        return {
            "width": self.width,
            "count": self._count,
            "kept": {"position": kept[0].tolist(), **self._columns(kept)},
            "recent": {"position": recent[0].tolist(), **self._columns(recent)},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.width, self._count = state["width"], state["count"]
        self._pieces = [self._restored(state["kept"])]
        self._recent = [self._restored(state["recent"])]
        self._kept = len(self._pieces[0][0])

    def _restored(self, columns: dict[str, Any]) -> "list[np.ndarray]":

        positions, rows, times, targets, predictions = (columns[name] for name in _NAMES)
        return [
            _integers(positions),
            _integers(rows),
            _objects(times),
            self._kind.column(targets),
            self._kind.column(predictions),
        ]


def _integers(values: Sequence[int]) -> "np.ndarray":
    import numpy as np

    return np.fromiter(values, dtype=np.int64, count=len(values))


def _cut(column: "np.ndarray") -> "np.ndarray":
    return _objects([cut(each) for each in column.tolist()]) if column.dtype == object else column


def _objects(values: Sequence[Any]) -> "np.ndarray":
    import numpy as np

    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
