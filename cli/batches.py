"""Batches: consecutive rows with the same columns, turned from rows into columns."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from .errors import RowError
from .sources import Batch, Item, Row

#: Rows in a batch: enough that a call costs nothing, few enough to stay small.
SIZE = 1024

#: Rows in a batch for a device, which does much at once, and waits for each batch to come and go.
MANY = 65_536

#: Items without a row that is to be used, after which none is waited for: all are in memory.
MOST_ERRORS = 10_000

#: What is left of items when their rows are gathered.
Gathered = Batch | RowError | None


def gathered(items: Iterable[Item], size: int = SIZE) -> Iterator[Gathered]:
    """Gather rows in batches; nothing overtakes anything, and a pause sends off what is there.

    Parameters
    ----------
    items
        What comes out of a source.
    size
        The largest number of rows in a batch.
    """
    rows: list[Row] = []
    columns: tuple[str, ...] = ()
    for item in items:
        if isinstance(item, Row):
            # A comparison of identities in a file whose rows share their columns.
            if rows and item.columns is not columns and item.columns != columns:
                if set(item.columns) == set(columns):
                    item = _reordered(item, columns)
                else:
                    yield _batch(rows)
                    rows = []
            rows.append(item)
            columns = item.columns
            if len(rows) == size:
                yield _batch(rows)
                rows = []
            continue
        if rows:
            yield _batch(rows)
            rows = []
        if isinstance(item, Batch):
            yield from _cut(item, size)
        else:
            yield item
    if rows:
        yield _batch(rows)


def part(batch: Batch, start: int, stop: int) -> Batch:
    """Return the rows from `start` to before `stop`."""
    rows = slice(start, stop)
    cells = [column[rows] for column in batch.cells]
    return Batch(batch.columns, cells, batch.lines[rows], batch.offsets[rows])


def beginning(batches: Iterable[Batch], n_rows: int) -> list[Batch]:
    """Return the first rows, so many at most."""
    found = []
    for batch in batches:
        found.append(part(batch, 0, n_rows))
        n_rows -= len(found[-1])
        if n_rows <= 0:
            break
    return found


def peek(
    items: Iterator[Gathered],
    count: int,
    *,
    past_errors: bool = True,
    is_over: Callable[[], bool] = lambda: False,
    told: Callable[[RowError], None] = lambda error: None,
) -> tuple[list[Batch | RowError], Iterator[Gathered]]:
    """Return the items up to a number of rows or the first pause after a row, and all of them.

    Pauses before the first row are waited for.

    Parameters
    ----------
    items
        All of them.
    count
        The number of rows.
    past_errors
        Whether to go on behind an error; behind `MOST_ERRORS` of them, nobody does.
    is_over
        Asked after each item whether to wait no longer.
    told
        Told of the first error, if it comes before the first row and more are waited for.
    """
    head: list[Batch | RowError] = []
    rows = 0
    for item in items:
        if item is not None:
            head.append(item)
            rows += len(item) if isinstance(item, Batch) else 0
        if isinstance(item, RowError) and len(head) == 1 and past_errors:
            told(item)
        has_erred = isinstance(item, RowError) and (not past_errors or len(head) >= MOST_ERRORS)
        if rows >= count or (item is None and rows) or has_erred or is_over():
            break
    return head, chain(head, items)


def _cut(batch: Batch, size: int) -> Iterator[Batch]:
    for start in range(0, len(batch), size):
        yield part(batch, start, start + size)


def _reordered(row: Row, columns: tuple[str, ...]) -> Row:
    """Return a row with its cells in the order of these columns: that of JSON's keys is free."""
    cells = dict(zip(row.columns, row.cells, strict=True))
    return row._replace(columns=columns, cells=tuple(cells[name] for name in columns))


def _batch(rows: list[Row]) -> Batch:
    cells = list(zip(*(row.cells for row in rows), strict=True))
    return Batch(rows[0].columns, cells, [row.line for row in rows], [row.offset for row in rows])
