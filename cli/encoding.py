"""Features of columns that are no numbers: words, by ``--encode``, and times, by ``--calendar``.

Words become River's one-hot columns, ``weather_fog``, or are hashed into a fixed number of columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from .blocks import Block
from .cells import labels
from .cleaning import Unusable, listed
from .errors import DataError, shown
from .moments import moments
from .sources import Batch

#: Columns that the words of one column are hashed into.
HASHED = 16

#: More different words in a column are a mistake: an id, or free text.
MOST_WORDS = 1000


class Encoding:
    """Turn words and times into features, the same way from the first row to the last.

    Parameters
    ----------
    words
        How each column of words is encoded: 0 for one-hot, or into how many columns it is hashed.
    time
        The column of the time stamps, and
    cycles
        which features are made of it: cycles and their numbers of harmonics, perhaps none.
    name
        The name of the source, for messages.
    """

    def __init__(
        self, words: Mapping[str, int], time: str | None, cycles: Mapping[str, int], name: str
    ) -> None:
        from river import preprocessing

        self._one_hot = preprocessing.OneHotEncoder()
        self._plain = sorted(column for column, n in words.items() if not n)
        self._hashed = {column: _Hashed(column, n) for column, n in sorted(words.items()) if n}
        self._time = time if cycles else None
        self._cycles = dict(cycles)
        self._name = name
        self._seen: dict[str, dict[str, None]] = {column: {} for column in self._plain}

    def check(self, batch: Batch) -> None:
        """Raise `Unusable` with the name of the first column that has a cell of no use."""
        for column in (*self._plain, *self._hashed):
            if column in batch.columns:
                try:
                    labels(listed(_cells(batch, column)))
                except ValueError:
                    raise Unusable(column) from None
        if self._time in batch.columns:
            try:
                moments(listed(_cells(batch, self._time)))
            except ValueError:
                raise Unusable(self._time) from None

    def complaint(self, column: str, cell: Any) -> tuple[str, str]:
        """Say what is wrong with a cell that was refused, and what can be done."""
        if column == self._time:
            what = f"{shown(cell)} is no time for --calendar"
            return what, "Give dates and times as 2026-02-28T13:30:00, or seconds since 1970"
        return f"{shown(cell)} is no word", "Give a string, a number, true or false"

    def encoded(self, block: Block, batch: Batch) -> Iterator[Block]:
        """Give a block again with the features of its words and times; cut where new ones come."""
        rows: list[dict[str, float]] = [{} for _ in range(len(block))]
        if self._time in batch.columns:
            for row, features in zip(rows, self._of_times(batch), strict=True):
                row.update(features)
        for column, hashed in self._hashed.items():
            if column in batch.columns:
                for row, word in zip(rows, labels(listed(_cells(batch, column))), strict=True):
                    row.update(hashed.features(word))
        words = {
            column: labels(listed(_cells(batch, column)))
            for column in self._plain
            if column in batch.columns
        }
        for i, row in enumerate(rows):
            row.update(self._one_hot_of({column: cells[i] for column, cells in words.items()}))
        return _widened(block, rows, self._name)

    def _of_times(self, batch: Batch) -> Iterator[dict[str, float]]:
        from streamrnn.estimators.cycles import with_cycles

        for moment in moments(listed(_cells(batch, self._time))):
            made: Any = with_cycles({self._time: moment}, self._cycles) if moment else {}
            yield {" ".join(map(str, name)): value for name, value in made.items()}

    def _one_hot_of(self, words: Mapping[str, str | None]) -> dict[str, float]:
        """Return what River makes of the words; one that is missing is none of those known."""
        known = {column: word for column, word in words.items() if word is not None}
        for column, word in known.items():
            self._note(column, word)
        self._one_hot.learn_one(known)
        return self._one_hot.transform_one(known)

    def _note(self, column: str, word: str) -> None:
        seen = self._seen[column]
        if word not in seen:
            if len(seen) == MOST_WORDS:
                what = f"more than {MOST_WORDS:,} different words"
                remedy = f"Leave it out with --drop, or hash them with --encode {column}=hash"
                raise DataError(what, source=self._name, column=column, remedy=remedy)
            seen[word] = None

    # --- for checkpoints

    def state(self) -> dict[str, list[str]]:
        """Return the words seen so far, in their order, as JSON can say it."""
        return {column: list(words) for column, words in self._seen.items()}

    def restore(self, state: Mapping[str, Sequence[str]]) -> None:
        """Take over what `state` returned."""
        for column, words in state.items():
            self._seen[column] = dict.fromkeys(words)
            for word in words:
                self._one_hot.learn_one({column: word})


class _Hashed:
    """The words of a column, hashed by River into a fixed number of columns."""

    def __init__(self, column: str, n: int) -> None:
        from river import preprocessing

        self._hasher = preprocessing.FeatureHasher(n_features=n, seed=0)
        self._names = {i: f"{column}#{i}" for i in range(n)}

    def features(self, word: str | None) -> dict[str, float]:
        """Return all columns, with a number other than 0 in one; none for a missing word."""
        if word is None:
            return {}
        made = self._hasher.transform_one({word: 1})
        return {name: float(made.get(i, 0)) for i, name in self._names.items()}


def _cells(batch: Batch, column: str | None) -> Sequence[Any]:
    return batch.cells[batch.columns.index(column or "")]


def _widened(block: Block, rows: list[dict[str, float]], name: str) -> Iterator[Block]:
    """Give the parts of a block whose rows have the same further features."""
    import numpy as np

    start = 0
    for names, same in groupby(rows, key=lambda row: tuple(sorted(row))):
        twice = set(names) & set(block.names)
        if twice:
            what = "a column has the name of a feature that is made of another column"
            raise DataError(what, source=name, column=min(twice), remedy="Rename it, or --drop it")
        made = [[row[name] for name in names] for row in same]
        # Rows may have no words at all.
        values = np.array(made, np.float64).reshape(len(made), len(names))
        yield block.part(start, start + len(made)).widened(names, values)
        start += len(made)
