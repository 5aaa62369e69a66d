"""Sources that can be read again from their beginning, and whose rows are counted."""

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import DataError
from .protocol import Batch, Item, Position, Source


class CountedSource(Source):
    """A source of rows or batches whose offsets are the numbers of rows, from 1.

    Parameters
    ----------
    name, known
        As in `Source`.
    items
        All items; those that earlier runs have passed are passed over.
    """

    def __init__(self, name: str, items: Iterator[Item], **known: Any) -> None:
        super().__init__(name, **known)
        self._items = items
        self._passed = 0

    def items(self) -> Iterator[Item]:
        """Give the rows behind those that have been passed."""
        start, seen = self._passed, 0
        for item in self._items:
            offsets = () if item is None else _offsets(item)
            seen = offsets[-1] if offsets else seen
            if seen <= start:
                continue
            yield _behind(item, start) if isinstance(item, Batch) else item
        if seen < start:
            what = f"has {seen:,} rows, but {start:,} had been read from it before"
            remedy = "Is it the same source? Start afresh without --resume"
            raise DataError(what, source=self.name, remedy=remedy)

    def passed(self, offsets: Sequence[Any]) -> None:
        """Take note that these rows have been used or left out."""
        self._passed = offsets[-1]

    def position(self) -> Position:
        """Return how many rows have been passed."""
        return {"row": self._passed}

    def seek(self, position: Position) -> None:
        """Begin behind the rows that an earlier run has passed."""
        self._passed = int(position["row"])


def _offsets(item: Any) -> Sequence[Any]:
    return item.offsets if isinstance(item, Batch) else (item.offset,)


def _behind(batch: Batch, start: int) -> Batch:
    """Leave out the rows that have been passed."""
    first = max(0, start - batch.offsets[0] + 1)
    cells = [column[first:] for column in batch.cells]
    return Batch(batch.columns, cells, batch.lines[first:], batch.offsets[first:])
