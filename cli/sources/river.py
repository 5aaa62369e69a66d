"""Rows of the data sets that come with River, as ``river:WaterFlow``."""

import datetime
import inspect
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from ..errors import DataError
from ..settings import Task
from ..suggestions import did_you_mean, listed
from .counted import CountedSource
from .protocol import Position, Row, Source

SCHEME = "river"

#: River hands the target over without a name.
TARGET = "target"

TASKS: dict[str, Task] = {
    "Regression": "regression",
    "Binary classification": "classification",
    "Multi-class classification": "classification",
}


@contextmanager
def open_source(rest: str) -> Iterator[Source]:
    """Open the data set of that name."""
    name = f"{SCHEME}:{rest}"
    dataset = _find(rest, name)
    pairs = iter(dataset)
    x, y = next(pairs)
    times = (key for key, cell in x.items() if isinstance(cell, datetime.datetime))
    try:
        yield _DataSet(
            name,
            _rows(chain([(x, y)], pairs)),
            unit="row",
            target=TARGET,
            time=next(times, None),
            task=TASKS[dataset.task],
            total=dataset.n_samples,
        )
    finally:
        # River closes its file when the last row has been read, and only then.
        deque(pairs, maxlen=0)


class _DataSet(CountedSource):
    """A data set; its name tells it from others."""

    def position(self) -> Position:
        """Return how many rows have been passed, and of what."""
        return super().position() | {"name": self.name}

    def seek(self, position: Position) -> None:
        """Begin behind the rows that an earlier run has passed."""
        if position["name"] != self.name:
            what = f"the checkpoint is of {position['name']}"
            remedy = "Give that one, or start afresh without --resume"
            raise DataError(what, source=self.name, remedy=remedy)
        super().seek(position)


def _rows(pairs: Iterator[tuple[dict[str, Any], Any]]) -> Iterator[Row]:
    for number, (x, y) in enumerate(pairs, 1):
        yield Row(number, (*x, TARGET), (*x.values(), y), number)


def _find(wanted: str, name: str) -> Any:
    """Return the data set, if River brings it along and it has one target."""
    from river import datasets

    found: dict[str, Any] = {
        key: made for key, made in vars(datasets).items() if inspect.isclass(made)
    }
    here = {
        key: made
        for key, made in found.items()
        if not issubclass(made, datasets.base.RemoteDataset) and made().task in TASKS
    }
    if wanted in here:
        return here[wanted]()
    choice = f"Choose from {listed(sorted(here))}"
    if wanted not in found:
        near = did_you_mean(wanted, found)
        remedy = f"{near} {choice}" if near else choice
        raise DataError("River has no data set of this name", source=name, remedy=remedy)
    if issubclass(found[wanted], datasets.base.RemoteDataset):
        what = "would have to be downloaded, which this command never does"
        choice += f", or save datasets.{wanted}() as a CSV file from Python"
        raise DataError(what, source=name, remedy=choice)
    raise DataError("has more than one target in each row", source=name, remedy=choice)
