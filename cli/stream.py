"""The rows of a source as samples, one after the other, with bad rows treated as asked."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice, takewhile
from typing import TypeVar

from .console import Console
from .errors import DataError, RowError
from .rows import Cleaner, Sample
from .sources import Row

Item = TypeVar("Item")

#: That many skipped rows are shown one by one; the others are only counted.
TOLD = 3


def peek(items: Iterator[Item], count: int) -> tuple[list[Item], Iterator[Item]]:
    """Return the first items, and an iterator over all of them."""
    head = list(islice(items, count))
    return head, chain(head, items)


def readable(head: list[Row | RowError], skip: bool, name: str) -> list[Row]:
    """Return the rows that can be looked at before the first one is used.

    If errors end the run these are the rows before the first error, so that errors come up in
    the order of the file.
    """
    if head and isinstance(head[0], RowError) and not skip:
        raise head[0]
    rows = head if skip else takewhile(lambda row: isinstance(row, Row), head)
    found = [row for row in rows if isinstance(row, Row)]
    if not found:
        raise DataError(f"none of the first {len(head)} rows can be used", source=name)
    return found


class SampleStream:
    """Iterate over the samples of a source.

    Parameters
    ----------
    rows
        The rows of the source.
    cleaner
        Makes the samples.
    console
        Where skipped rows are told.
    skip
        Whether to leave bad rows out; otherwise the first one ends the run.
    limit
        The largest number of samples, or None.

    Attributes
    ----------
    skipped : int
        The number of rows left out so far.
    """

    def __init__(
        self,
        rows: Iterable[Row | RowError],
        cleaner: Cleaner,
        console: Console,
        *,
        skip: bool,
        limit: int | None,
    ) -> None:
        self._rows = rows
        self._cleaner = cleaner
        self._skip = skip
        self._limit = limit
        self._console = console
        self.skipped = 0

    def __iter__(self) -> Iterator[Sample]:
        return islice(self._samples(), self._limit)

    def _samples(self) -> Iterator[Sample]:
        for count, row in enumerate(self._rows, 1):
            try:
                if isinstance(row, RowError):
                    raise row
                sample = self._cleaner.clean(count, row)
            except RowError as error:
                self._leave_out(error)
                continue
            yield sample

    def _leave_out(self, error: RowError) -> None:
        if not self._skip:
            raise error
        self.skipped += 1
        if self.skipped <= TOLD:
            more = " Further ones are only counted." if self.skipped == TOLD else ""
            self._console.note(f"skipped: {error.format_message()}{more}")
