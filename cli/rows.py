"""From a row as the source spells it to a sample: features, time stamp, target."""

import math
from typing import Any, NamedTuple

from .cells import is_number, label, number, numbers
from .errors import DataError, RowError, shown
from .roles import Roles
from .settings import Task
from .sources import Row, Source

#: More labels than that are a mistake, or a task for another tool.
MOST_LABELS = 1000


class Sample(NamedTuple):
    """One row, ready for a model.

    Parameters
    ----------
    number
        Which row of the source it is, from 1; rows with errors count.
    time
        The time stamp as the source spells it, or None.
    names, values
        The features; a missing value is NaN.
    target
        A finite number, a label, or None if it is missing.
    """

    number: int
    time: Any
    names: tuple[str, ...]
    values: list[float]
    target: float | str | None


class _Plan(NamedTuple):
    """Where the cells of rows with certain columns go."""

    names: tuple[str, ...]
    picks: tuple[int, ...]
    target: int | None
    time: int | None


class Cleaner:
    """Turn rows of one source into samples.

    Parameters
    ----------
    source
        The source, for messages.
    roles
        The columns that are no features.
    task
        Whether the target is a number or a label.
    """

    def __init__(self, source: Source, roles: Roles, task: Task) -> None:
        self._source = source
        self._roles = roles
        self._target = number if task == "regression" else label
        self._columns: tuple[str, ...] | None = None
        self._plan = _Plan((), (), None, None)
        self._labels: set[str] = set()

    def clean(self, count: int, row: Row) -> Sample:
        """Return the sample of a row; raise `RowError` if a cell cannot be used."""
        # One comparison of identities in a file whose rows share their columns.
        if row.columns is not self._columns and row.columns != self._columns:
            self._plan = _plan(row.columns, self._roles)
        self._columns = row.columns
        plan, cells = self._plan, row.cells
        try:
            values = numbers([cells[i] for i in plan.picks])
        except ValueError:
            raise self._bad_feature(row) from None
        try:
            target = None if plan.target is None else self._target(cells[plan.target])
        except ValueError:
            raise self._bad_target(row) from None
        if isinstance(target, str):
            self._count(target)
        elif target is not None and not math.isfinite(target):
            target = None
        time = None if plan.time is None else cells[plan.time]
        return Sample(count, time, plan.names, values, target)

    def _count(self, label: str) -> None:
        """Stop at a column of names or numbers taken for labels: every label makes models grow."""
        self._labels.add(label)
        if len(self._labels) > MOST_LABELS:
            what = f"more than {MOST_LABELS:,} different labels"
            remedy = "If they are numbers: --task regression; else choose another --target"
            column = self._roles.target
            raise DataError(what, source=self._source.name, column=column, remedy=remedy)

    def _bad_feature(self, row: Row) -> RowError:
        """Find the cell that is no number and say what can be done with its column."""
        cells = dict(zip(row.columns, row.cells, strict=True))
        name = next(name for name in self._plan.names if not is_number(cells[name]))
        other = "" if self._roles.time else f" (or --time {shown(name)} if it is the time stamp)"
        remedy = f"Leave it out with --drop {shown(name)}{other}, or encode it as numbers"
        return self._error(row, name, f"{shown(cells[name])} is not a number", remedy)

    def _bad_target(self, row: Row) -> RowError:
        name = self._roles.target
        cell = shown(row.cells[row.columns.index(name)])
        if self._target is label:
            return self._error(row, name, f"{cell} is not a label", "Give a string or a number")
        remedy = "If the column holds labels: --task classification"
        return self._error(row, name, f"the target {cell} is not a number", remedy)

    def _error(self, row: Row, column: str, what: str, remedy: str) -> RowError:
        place = f"{self._source.unit} {row.line}"
        return RowError(what, source=self._source.name, place=place, column=column, remedy=remedy)


def _plan(columns: tuple[str, ...], roles: Roles) -> _Plan:
    """Assign the columns; features are sorted, so that the order of JSON keys means nothing."""
    index = {name: i for i, name in enumerate(columns)}
    names = sorted(set(columns) - {roles.target, roles.time} - roles.drop)
    time = None if roles.time is None else index.get(roles.time)
    return _Plan(tuple(names), tuple(index[n] for n in names), index.get(roles.target), time)
