"""Rows of a CSV file: a header line with the names, then one row of cells after the other.

The cells may be separated by commas, semicolons or tabs; the header decides.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from ..errors import DataError, RowError
from ..lines import Pause, TextLines, skipping
from .csv_blocks import SIZE, BlockReader
from .naming import named
from .protocol import Item, Row

FORMAT = "csv"
SUFFIXES = (".csv", ".tsv")
FIRST = ("",)


def read(lines: TextLines, name: str, start: int = 0) -> Iterator[Item]:
    """Read the header and give the rows that follow it, or those behind `start` bytes."""
    delimiter = None
    while delimiter is None:
        try:
            # Quoted text is no help in counting.
            bare = re.sub(r'"[^"]*"', "", lines.first())
            delimiter = max(",;\t", key=bare.count)
        except Pause:
            yield None
    rewindable = _Rewindable(lines)
    # Strict: without it a quote that is never closed swallows the rest of the file in silence.
    reader = csv.reader(rewindable, delimiter=delimiter, skipinitialspace=True, strict=True)
    header: list[str] = []
    while not header:
        try:
            header = next(reader)
        except Pause:
            yield None
        except StopIteration:
            raise DataError("is empty", source=name, remedy="Give a file with rows") from None
        except csv.Error as error:
            raise _unreadable(error, name, rewindable, lines.number) from None
    columns = named(header, name, "line 1")
    if start:
        yield from skipping(lines, start)
    rewindable.moved()
    table = _Table(reader, rewindable, columns, name, is_live=not lines.in_blocks)
    yield from _in_blocks(table, lines, delimiter)
    yield from table.rows()
    if not table.count and not start:
        raise DataError("has a header, but no rows", source=name, remedy="Give a file with rows")


def _in_blocks(table: "_Table", lines: TextLines, delimiter: str) -> Iterator[Item]:
    """Give as many rows as there are whole blocks, if there is somebody to read them."""
    if find_spec("pyarrow") is None:
        return
    reader = None
    while (block := lines.block(SIZE)) is not None:
        reader = reader or BlockReader(delimiter, table.columns)
        batch = reader.batch(block, lines.offset, lines.number)
        if batch is None:
            lines.give_back(block)
            yield from table.rows(held_only=True)
        else:
            table.passed(len(batch))
            yield batch


class _Rewindable:
    """Lines that can be given back: a quote that is never closed takes all that follow it."""

    def __init__(self, lines: TextLines) -> None:
        self._lines = lines
        self._taken: list[str] = []
        self._given_back: deque[str | RowError] = deque()
        #: Where each line that was given back ends.
        self._ends: deque[tuple[int, int]] = deque()
        self._taken_ends: list[tuple[int, int]] = []
        self.end = self._row_begin = (0, 0)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._given_back:
            line = self._given_back.popleft()
            self.end = self._ends.popleft()
        else:
            line = self._next_fresh()
        if isinstance(line, RowError):
            raise line
        self._taken.append(line)
        self._taken_ends.append(self.end)
        return line

    def _next_fresh(self) -> str | RowError:
        line: str | RowError
        try:
            line = next(self._lines)
        except Pause:
            # Others want their turn, and csv loses a row of which lines are missing still: it gets
            # all of them again.
            self._given_back.extend(self._taken)
            self._ends.extend(self._taken_ends)
            self.end = self._row_begin
            self.begin_row()
            raise
        except RowError as error:
            line = error
        self.moved()
        return line

    def moved(self) -> None:
        """Take note that lines were taken elsewhere."""
        self.end = (self._lines.offset, self._lines.number)

    def holds(self) -> bool:
        """Say whether lines have been read and not taken."""
        return bool(self._given_back) or self._lines.holds()

    @property
    def number(self) -> int:
        """Number of the last line taken."""
        return self.end[1]

    @property
    def text(self) -> str:
        """The lines of the row."""
        return "".join(self._taken)

    def begin_row(self) -> None:
        """Forget the lines of the row before."""
        self._row_begin = self.end
        self._taken.clear()
        self._taken_ends.clear()

    def within_row(self) -> bool:
        """Say whether lines of the row have been taken."""
        return bool(self._taken)

    def give_back(self, *then: RowError) -> None:
        """Give back all lines of the row but its first, and the error that came after them."""
        again: list[str | RowError] = [*self._taken[1:], *then]
        ends = [*self._taken_ends[1:], *[self.end] * len(then)]
        self._given_back.extendleft(reversed(again))
        self._ends.extendleft(reversed(ends))
        self.end = self._taken_ends[0]
        del self._taken[1:]


class _Table:
    """The rows behind the header.

    Parameters
    ----------
    reader
        That of the standard library, over
    lines
        these lines.
    columns
        Their names.
    name
        That of the source, for messages.
    is_live
        Whether other files or connections may follow, each with a header of its own.
    """

    def __init__(
        self,
        reader: Any,
        lines: _Rewindable,
        columns: tuple[str, ...],
        name: str,
        *,
        is_live: bool,
    ) -> None:
        self._reader = reader
        self._lines = lines
        self.columns = columns
        self._name = name
        self._is_live = is_live
        self.count = 0

    def passed(self, rows: int) -> None:
        """Take note of rows that somebody else has read."""
        self.count += rows
        self._lines.moved()

    def rows(self, *, held_only: bool = False) -> Iterator[Item]:
        """Give the rows one by one; `held_only`: those that begin in lines already read."""
        while not held_only or self._lines.holds():
            self._lines.begin_row()
            try:
                made = self._next()
            except StopIteration:
                break
            except Pause:
                yield None
                continue
            if made is not None:
                self.count += 1
                yield made

    def _next(self) -> Item:
        """Return the next row; None for a blank line."""
        lines = self._lines
        # A quoted cell may hold line ends: a row begins on the line after the last one read.
        line = lines.number + 1
        try:
            cells = next(self._reader)
        except csv.Error as error:
            lines.give_back()
            return _unreadable(error, self._name, lines, line)
        except RowError as error:
            if lines.within_row():
                lines.give_back(error)
                what = csv.Error("a quote is open at an unreadable line")
                return _unreadable(what, self._name, lines, line)
            error.offset = lines.end
            return error
        if not cells or (self._is_live and self._is_header(cells)):
            return None
        width = len(self.columns)
        if len(cells) != width:
            return _ragged(len(cells), width, self._name, lines, line)
        return Row(line, self.columns, cells, lines.end)

    def _is_header(self, cells: list[str]) -> bool:
        """Say whether these are the names of the columns, in whose order the next rows are."""
        # A comparison of all names would cost more than the rest.
        if cells[0].strip() not in self.columns:
            return False
        names = tuple(cell.strip() for cell in cells)
        if sorted(names) != sorted(self.columns):
            return False
        self.columns = names
        return True


def _ragged(cells: int, width: int, name: str, lines: _Rewindable, line: int) -> RowError:
    what = f"{cells} cell{'s' * (cells > 1)} where the header has {width}"
    remedy = "Correct the row (a cell with a separator in it needs quotes), or --on-error skip"
    return _row_error(what, remedy, name, lines, line)


def _unreadable(error: csv.Error, name: str, lines: _Rewindable, line: int) -> RowError:
    remedy = "Is a quote or a line end missing? Quotes inside quotes are doubled"
    return _row_error(f"not CSV ({error})", remedy, name, lines, line)


def _row_error(what: str, remedy: str, name: str, lines: _Rewindable, line: int) -> RowError:
    return RowError(
        what,
        source=name,
        place=f"line {line}",
        remedy=remedy,
        line=line,
        offset=lines.end,
        raw=lines.text,
    )
