"""What a source of rows is, and what a module of this package has to offer to be one.

A module is a **scheme** (``river:NAME``, ``kafka://HOST/TOPIC``) if it defines ``SCHEME`` and
``open_source(rest)``, a context manager that gives a :class:`Source`; `rest` is what follows the
colon. One that also defines ``IS_LIVE = True`` never ends by itself and is for ``streamrnn live``.

It is a **text format** if it defines ``FORMAT`` (its name for ``--format``), ``SUFFIXES``,
``FIRST`` (how the first line that is not blank can begin; ``("",)`` fits any) and
``read(lines, name)``, which returns an iterator of items.

It is a **file format** if it defines ``FORMAT``, ``SUFFIXES``, ``MAGIC`` (how its files begin, in
bytes) and ``open_file(path)``, a context manager that gives a :class:`Source`.

All must be importable without NumPy, River and whatever else they need.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import RowError
from ..settings import Task

#: Where a source is, as JSON can say it.
Position = dict[str, Any]


class Row(NamedTuple):
    """One row as the source spells it.

    Parameters
    ----------
    line
        Its number in what the source counts, for messages and predictions.
    columns, cells
        Names and values.
    offset
        Where it is, in the source's own terms; `Source.passed` gets it back.
    """

    line: int
    columns: tuple[str, ...]
    cells: Sequence[Any]
    offset: Any = None


class Batch(NamedTuple):
    """Consecutive rows with the same columns, column by column.

    Parameters
    ----------
    columns
        Their names.
    cells
        One sequence a column: a list of cells as the source spells them, a float64 array in
        which NaN is a missing value, or any other sequence of cells. One that has
        ``as_numbers()`` is asked for such an array first; None says that it has none.
    lines, offsets
        As in `Row`, one entry a row.
    """

    columns: tuple[str, ...]
    cells: Sequence[Any]
    lines: Sequence[int]
    offsets: Sequence[Any]

    def __len__(self) -> int:
        """Return the number of rows, not that of the fields."""
        return len(self.lines)


#: What comes out of a source. A row that cannot be used comes as a `RowError`, not raised: the
#: caller decides whether it ends the run; what ends it in any case is raised. None says that there
#: is nothing more just now: what came so far should be used, and signals be looked at.
Item = Row | Batch | RowError | None


class Source(ABC):
    """A stream of rows, where it is, and what is known about it beforehand.

    What was *read* is ahead of what was *used*: the caller says by `passed` which rows are done
    with, and `position` tells where the next run has to begin to see every other one.

    Parameters
    ----------
    name
        For messages and reports.
    unit
        What `Row.line` counts.
    target, time, task
        What is taken if the user does not say, or None.
    total
        The number of rows, if it is known.
    """

    #: Whether rows come when they come; then `items` gives None at least every half second.
    is_live = False

    #: Takes remarks for people, such as those about connections that were lost; silent by default.
    note: Callable[[str], None] = staticmethod(lambda text: None)

    def __init__(
        self,
        name: str,
        *,
        unit: str = "line",
        target: str | None = None,
        time: str | None = None,
        task: Task | None = None,
        total: int | None = None,
    ) -> None:
        self.name = name
        self.unit = unit
        self.target = target
        self.time = time
        self.task = task
        self.total = total

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """Give what comes, from the position on; called once."""

    @abstractmethod
    def passed(self, offsets: Sequence[Any]) -> None:
        """Take note that these rows, the next ones in order, have been used or left out."""

    @abstractmethod
    def position(self) -> Position:
        """Return where the first row is that has not been passed."""

    @abstractmethod
    def seek(self, position: Position) -> None:
        """Begin at a position that `position` returned in an earlier run; before `items`.

        Raises
        ------
        DataError
            If the source is not what it was then.
        """

    @property
    def reconnects(self) -> int:
        """How often a lost connection has come back."""
        return 0

    def commit(self) -> None:  # noqa: B027  (most need not be told)
        """Tell whoever sends that all passed rows are safe: after a checkpoint, or without any."""
