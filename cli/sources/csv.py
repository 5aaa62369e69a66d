"""Rows of a CSV file: a header line with the names, then one row of cells after the other.

The cells may be separated by commas, semicolons or tabs; the header decides.
"""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from ..errors import DataError, RowError
from ..lines import TextLines
from ..suggestions import listed
from .protocol import Row, Source

FORMAT = "csv"
SUFFIXES = (".csv", ".tsv")
FIRST = ("",)


def read(lines: TextLines, name: str) -> Source:
    """Read the header and return the rows that follow."""
    rewindable = _Rewindable(lines)
    bare = re.sub(r'"[^"]*"', "", lines.first())
    # Strict: without it a quote that is never closed swallows the rest of the file in silence.
    reader = csv.reader(
        rewindable, delimiter=max(",;\t", key=bare.count), skipinitialspace=True, strict=True
    )
    header: list[str] = []
    while not header:
        try:
            header = next(reader)
        except StopIteration:
            raise DataError("is empty", source=name, remedy="Give a file with rows") from None
        except csv.Error as error:
            raise _unreadable(error, name, lines.number) from None
    return Source(name, _rows(reader, rewindable, _columns(header, name), name))


class _Rewindable:
    """Lines that can be given back: a quote that is never closed takes all that follow it."""

    def __init__(self, lines: TextLines) -> None:
        self._lines = lines
        self._taken: list[str] = []
        self._given_back: deque[str | RowError] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else next(self._lines)
        if isinstance(line, RowError):
            raise line
        self._taken.append(line)
        return line

    @property
    def number(self) -> int:
        """Number of the last line taken."""
        return self._lines.number - len(self._given_back)

    def begin_row(self) -> None:
        """Forget the lines of the row before."""
        self._taken.clear()

    def within_row(self) -> bool:
        """Say whether lines of the row have been taken."""
        return bool(self._taken)

    def give_back(self, *then: RowError) -> None:
        """Give back all lines of the row but its first, and the error that came after them."""
        self._given_back.extendleft(reversed([*self._taken[1:], *then]))


def _columns(header: list[str], name: str) -> tuple[str, ...]:
    """Return the names of the columns; a nameless one, as of a saved index, gets its number."""
    columns = tuple(cell.strip() or f"column {i}" for i, cell in enumerate(header, 1))
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        what = f"column names that occur more than once: {listed(twice)}"
        raise DataError(what, source=name, place="line 1", remedy="Rename or remove one of them")
    return columns


def _rows(
    reader: Any, lines: _Rewindable, columns: tuple[str, ...], name: str
) -> Iterator[Row | RowError]:
    width = len(columns)
    count = 0
    while True:
        # A quoted cell may hold line ends: a row begins on the line after the last one read.
        line = lines.number + 1
        lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            count += 1
            lines.give_back()
            yield _unreadable(error, name, line)
            continue
        except RowError as error:
            count += 1
            if lines.within_row():
                lines.give_back(error)
                yield _unreadable(csv.Error("a quote is open at an unreadable line"), name, line)
            else:
                yield error
            continue
        if len(cells) == width:
            count += 1
            yield Row(line, columns, cells)
        elif cells:
            count += 1
            yield _ragged(len(cells), width, name, line)
    if not count:
        raise DataError("has a header, but no rows", source=name, remedy="Give a file with rows")


def _ragged(cells: int, width: int, name: str, line: int) -> RowError:
    what = f"{cells} cell{'s' * (cells > 1)} where the header has {width}"
    remedy = "Correct the row (a cell with a separator in it needs quotes), or --on-error skip"
    return RowError(what, source=name, place=f"line {line}", remedy=remedy)


def _unreadable(error: csv.Error, name: str, line: int) -> RowError:
    remedy = "Is a quote or a line end missing? Quotes inside quotes are doubled"
    return RowError(f"not CSV ({error})", source=name, place=f"line {line}", remedy=remedy)
