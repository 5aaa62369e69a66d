"""What the formats of Arrow's have in common: record batches as batches of rows."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import DataError
from .arrow_columns import ArrowColumn
from .counted import CountedSource
from .naming import named
from .protocol import Batch

#: Rows asked for at once, where a format lets us choose.
ROWS = 1 << 14


def table_source(
    path: str, names: Sequence[str], parts: Iterator[Any], total: int | None = None
) -> CountedSource:
    """Return a source of the rows of record batches.

    Parameters
    ----------
    path
        The file, for messages.
    names
        Of the columns.
    parts
        The record batches.
    total
        The number of rows, if it is known.
    """
    columns = named(names, path)
    if not columns:
        raise DataError("has no columns", source=path)
    return CountedSource(path, _batches(path, columns, parts), unit="row", total=total)


@contextmanager
def readable(path: str, what: str, row: int = 0) -> Iterator[None]:
    """Say in one line what Arrow finds wrong with a file.

    Parameters
    ----------
    path, what
        The file, and what it should be.
    row
        How many rows have been read.
    """
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(
            f"is no {what}, or a damaged one ({said})" if not row else f"is damaged ({said})",
            source=path,
            place=f"after row {row:,}" if row else None,
            remedy="Was it written to its end? Copy or write it again",
        ) from None


def _batches(path: str, columns: tuple[str, ...], parts: Iterator[Any]) -> Iterator[Batch]:
    seen = 0
    while True:
        with readable(path, "readable table", seen):
            part = next(parts, None)
            if part is None:
                break
            # Where a damaged file says that a text begins must not be looked up.
            part.validate(full=True)
            cells = [
                _cells(array, path, name) for array, name in zip(part.columns, columns, strict=True)
            ]
        rows = range(seen + 1, seen + 1 + part.num_rows)
        if rows:
            yield Batch(columns, cells, rows, rows)
        seen += part.num_rows
    if not seen:
        raise DataError("has no rows", source=path, remedy="Give a file with rows")


def _cells(array: Any, path: str, name: str) -> Sequence[Any]:
    """Return an array as cells: numbers and text, moments, and what cannot be used as it is."""
    import pyarrow

    types = pyarrow.types
    if isinstance(array, pyarrow.ExtensionArray):
        array = array.storage
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if types.is_null(kind):
        return ArrowColumn(array.cast(pyarrow.float64()))
    if types.is_timestamp(kind) or types.is_date(kind):
        return _moments(array, path, name)
    # A decimal is spelt as it is; older writers call text binary.
    of_bytes = types.is_binary(kind) or types.is_large_binary(kind)
    is_text = types.is_large_string(kind) or types.is_string_view(kind)
    try:
        if of_bytes or is_text or types.is_decimal(kind):
            array = array.cast(pyarrow.string())
    except pyarrow.ArrowInvalid:
        if not of_bytes:
            raise
    return ArrowColumn(array)


def _moments(array: Any, path: str, name: str) -> list[datetime.date | None]:
    import pyarrow

    if pyarrow.types.is_timestamp(array.type):
        # Python knows no nanoseconds.
        array = array.cast(pyarrow.timestamp("us", array.type.tz), safe=False)
    try:
        return array.to_pylist()
    except (ValueError, OverflowError):
        what = "moments before the year 1, after the year 9999, or of an unknown time zone"
        raise DataError(what, source=path, column=name, remedy="Write them as text") from None
