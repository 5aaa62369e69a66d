"""From rows as the source spells them to samples: features, time stamp, target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .batches import part
from .blocks import Block
from .cells import is_number, label, labels, numbers, spelt
from .errors import DataError, RowError, shown
from .roles import Roles
from .settings import Task
from .sources import Batch, Source
from .spelling import DECIMAL_POINT, has_comma

if TYPE_CHECKING:
    import numpy as np

#: More labels than that are a mistake, or a task for another tool.
MOST_LABELS = 1000


class _Plan(NamedTuple):
    """Where the cells of rows with certain columns go."""

    names: tuple[str, ...]
    picks: tuple[int, ...]
    target: int | None
    time: int | None
    key: int | None
    id: int | None


class Unusable(ValueError):  # noqa: N818  (says what the cell is)
    """Some cell of a batch cannot be used."""


class Cleaner:
    """Turn batches of one source into blocks.

    Parameters
    ----------
    source
        The source, for messages.
    roles
        The columns that are no features.
    task
        Whether the target is a number or a label.
    encode
        Makes features of columns that are no numbers: it is given a block, the names of the columns
        and a function that returns a column's cells, and returns blocks of the same rows; raises
        `Unusable` with a column's name where it cannot. None if there are no such columns.
    is_series
        Whether the command takes numbers only, so that --task is no way out.
    """

    def __init__(
        self,
        source: Source,
        roles: Roles,
        task: Task,
        encode: Any = None,
        *,
        is_series: bool = False,
    ) -> None:
        self._source = source
        self._roles = roles
        self._task = task
        self._encode = encode
        self._is_series = is_series
        self._columns: tuple[str, ...] | None = None
        self._plan = _plan((), roles)
        self._labels: set[str] = set()

    def clean(self, batch: Batch, first: int) -> Iterator[Block | RowError]:
        """Give the rows of a batch in their order, as blocks; one that cannot be used as an error.

        Parameters
        ----------
        batch
            The rows.
        first
            The number of the first one in the run.

        Raises
        ------
        DataError
            If there are too many labels.
        """
        if batch.columns != self._columns:
            self._plan = _plan(batch.columns, self._roles)
            self._columns = batch.columns
        try:
            made = self._blocks(batch, first)
        except ValueError:
            yield from self._one_by_one(batch, first)
        else:
            yield from made

    def _one_by_one(self, batch: Batch, first: int) -> Iterator[Block | RowError]:
        """Find the rows that cannot be used; those between them stay together."""
        start = 0
        for i in range(len(batch)):
            error = self._error_of(part(batch, i, i + 1))
            if error is not None:
                if start < i:
                    yield from self._blocks(part(batch, start, i), first + start)
                yield error
                start = i + 1
        if start < len(batch):
            yield from self._blocks(part(batch, start, len(batch)), first + start)

    def _blocks(self, batch: Batch, first: int) -> Iterator[Block]:
        """Return the blocks of a batch; raise ValueError, before the first, if a cell is bad."""
        block = self._block(batch, first)
        if self._task == "classification":
            self._count(block.targets)
        if self._encode is None:
            return iter([block])
        return self._encode.encoded(block, batch)

    def _block(self, batch: Batch, first: int) -> Block:
        import numpy as np

        plan, cells = self._plan, batch.cells
        n = len(batch)
        X = np.empty((n, len(plan.picks)))
        for j, pick in enumerate(plan.picks):
            X[:, j] = numbers(cells[pick])
        if self._encode is not None:
            self._encode.check(batch)
        times = None if self._roles.time is None else _listed_at(batch, plan.time)
        names = (
            _names(batch, *one) for one in ((self._roles.key, plan.key), (self._roles.id, plan.id))
        )
        return Block(plan.names, X, self._targets(batch), range(first, first + n), times, *names)

    def _targets(self, batch: Batch) -> np.ndarray:
        import numpy as np

        n, at = len(batch), self._plan.target
        if self._task == "classification":
            made = np.full(n, None, dtype=object)
            if at is not None:
                made[:] = labels(batch.cells[at])
            return made
        targets = np.full(n, np.nan)
        if at is not None:
            targets[:] = numbers(batch.cells[at])
            targets[np.isinf(targets)] = np.nan
        return targets

    def _count(self, targets: np.ndarray) -> None:
        """Stop at a column of names or numbers taken for labels: every label makes models grow."""
        self._labels.update(target for target in targets if target is not None)
        if len(self._labels) > MOST_LABELS:
            what = f"more than {MOST_LABELS:,} different labels"
            remedy = "If they are numbers: --task regression; else choose another --target"
            column = self._roles.target
            raise DataError(what, source=self._source.name, column=column, remedy=remedy)

    # --- for checkpoints

    def state(self) -> dict[str, Any]:
        """Return the labels and words seen so far, as JSON can say it."""
        encode = None if self._encode is None else self._encode.state()
        return {"labels": sorted(self._labels), "words": encode}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self._labels.update(state["labels"])
        if self._encode is not None:
            self._encode.restore(state["words"])

    # --- what is wrong with a row

    def _error_of(self, row: Batch) -> RowError | None:
        """Return what is wrong with the only row of a batch, None if it can be used."""
        try:
            self._block(row, 0)
        except Unusable as error:
            return self._bad_column(row, str(error))
        except ValueError:
            return self._bad_feature(row) or self._bad_target(row)
        return None

    def _bad_feature(self, row: Batch) -> RowError | None:
        """Find the cell that is no number and say what can be done with its column."""
        plan = self._plan
        for name, pick in zip(plan.names, plan.picks, strict=True):
            cell = row.cells[pick][0]
            if not is_number(cell):
                time = f" (or --time {shown(name)} if it is the time stamp)"
                other = "" if self._roles.time else time
                remedy = (
                    f"Leave it out with --drop {shown(name)}{other}, or make features of its words "
                    f"with --encode {shown(name)}"
                )
                if has_comma(cell):
                    remedy = DECIMAL_POINT
                return self._error(row, name, f"{shown(cell)} is not a number", remedy)
        return None

    def _bad_target(self, row: Batch) -> RowError:
        name = row.columns[self._plan.target or 0]
        cell = shown(row.cells[self._plan.target or 0][0])
        if self._task == "classification":
            return self._error(row, name, f"{cell} is not a label", "Give a string or a number")
        remedy = "If the column holds labels: --task classification"
        if has_comma(row.cells[self._plan.target or 0][0]):
            remedy = DECIMAL_POINT
        elif self._is_series:
            remedy = "A series is of numbers: choose another --target"
        return self._error(row, name, f"the target {cell} is not a number", remedy)

    def _bad_column(self, row: Batch, column: str) -> RowError:
        # Rows of JSON may lack a column.
        cell = row.cells[row.columns.index(column)][0] if column in row.columns else None
        if column in (self._roles.key, self._roles.id):
            option = "--key" if column == self._roles.key else "--id"
            remedy = f"Every row needs a word or a number there (from {option})"
            what = "is missing" if _is_missing(cell) else f"{shown(cell)} is no word or number"
            return self._error(row, column, what, remedy)
        what, remedy = self._encode.complaint(column, cell)
        return self._error(row, column, what, remedy)

    def _error(self, row: Batch, column: str, what: str, remedy: str) -> RowError:
        line = row.lines[0]
        cells = {name: cell[0] for name, cell in zip(row.columns, row.cells, strict=True)}
        return RowError(
            what,
            source=self._source.name,
            place=f"{self._source.unit} {line}",
            column=column,
            remedy=remedy,
            line=line,
            offset=row.offsets[0],
            raw=cells,
        )


def listed(cells: Sequence[Any]) -> Sequence[Any]:
    """Return cells as a plain sequence of Python's own values."""
    tolist: Callable[[], list[Any]] | None = getattr(cells, "tolist", None)
    return cells if tolist is None else tolist()


def _is_missing(cell: Any) -> bool:
    try:
        return label(cell) is None
    except ValueError:
        return False


def _is_absent(cell: Any) -> bool:
    """Say whether a cell can name nothing: it is missing, or a list or an object."""
    return isinstance(cell, list | dict) or label(cell) is None


def _listed_at(batch: Batch, at: int | None) -> Sequence[Any]:
    """Return the cells of a column; None for each row if these rows lack it."""
    return [None] * len(batch) if at is None else listed(batch.cells[at])


def _names(batch: Batch, column: str | None, at: int | None) -> Sequence[Any] | None:
    """Return the keys or ids of some rows, as a checkpoint can hold them; None for no column.

    Raises
    ------
    Unusable
        If a row has none.
    """
    if column is None:
        return None
    cells = _listed_at(batch, at)
    if any(map(_is_absent, cells)):
        raise Unusable(column)
    return list(map(spelt, cells))


def _plan(columns: tuple[str, ...], roles: Roles) -> _Plan:
    """Assign the columns; features are sorted, so that the order of JSON keys means nothing."""
    index = {name: i for i, name in enumerate(columns)}
    taken = {roles.target, roles.time, roles.key, roles.id}
    names = [] if roles.alone else sorted(set(columns) - taken - roles.drop - roles.encode)
    target, time, key, event = (
        None if name is None else index.get(name)
        for name in (roles.target, roles.time, roles.key, roles.id)
    )
    picks = tuple(index[n] for n in names)
    return _Plan(tuple(names), picks, target, time, key, event)
