"""What a source of rows is, and what a module of this package has to offer to be one.

A module is a **scheme** (``river:NAME``) if it defines ``SCHEME`` and
``open_source(rest)``, a context manager that gives a :class:`Source`.

It is a **text format** if it defines ``FORMAT`` (its name for ``--format``), ``SUFFIXES``,
``FIRST`` (how the first line that is not blank can begin; ``("",)`` fits any) and
``read(lines, name)``, which returns a :class:`Source`.

Both must be importable without NumPy and River.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import RowError
from ..settings import Task


class Row(NamedTuple):
    """One row as the source spells it."""

    line: int
    columns: tuple[str, ...]
    cells: Sequence[Any]


@dataclass
class Source:
    """A stream of rows and what is known about it beforehand.

    Parameters
    ----------
    name
        For messages and reports.
    rows
        The rows in order. A row that cannot be used comes as a `RowError`, not raised: the caller
        decides whether it ends the run. What ends it in any case is raised.
    unit
        What `Row.line` counts.
    target, time, task
        What is taken if the user does not say, or None.
    total
        The number of rows, if it is known.
    """

    name: str
    rows: Iterator[Row | RowError]
    unit: str = "line"
    target: str | None = None
    time: str | None = None
    task: Task | None = None
    total: int | None = None
