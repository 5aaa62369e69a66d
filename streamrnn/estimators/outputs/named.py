"""Several targets by name, each of which may be unknown: what both kinds of them share."""

from __future__ import annotations

import abc
import math
from collections.abc import Hashable, Mapping
from typing import Any

import narwhals as nw
import numpy as np

from streamrnn.estimators.blocks import distinct, length, sequence
from streamrnn.estimators.features import order
from streamrnn.estimators.outputs.protocol import Block, Outputs


class Named(Outputs):
    """An output a name. A name gets it with the first target that has the name, known or not."""

    @abc.abstractmethod
    def number(self, name: Hashable, value: Any) -> float:
        """Turn one value into a number, NaN if it is unknown; TypeError if it cannot be one."""

    def unseen(self, y: Any) -> list[Hashable]:
        """Return the names without an output, sorted."""
        if y is None:
            return []
        if not isinstance(y, Mapping):
            raise TypeError(
                f"the target must be a dict of values by name, got {y!r}, a {type(y).__name__}"
            )
        for name in y:
            self.number(name, y[name])
        new = [name for name in y if name not in self._places]
        return self.fitting(sorted(new, key=order)) if new else new

    def put(self, y: Any, goal: memoryview[float]) -> None:
        """Write the values."""
        for name, place in self._places.items():
            goal[place] = self.number(name, y[name]) if y and name in y else math.nan

    def block(self, y: Any, n: int) -> Block:
        """Return the columns in the order of the outputs; new names come in the first row."""
        columns = self.columns(y, n)
        new = self.fitting(sorted((c for c in columns if c not in self._places), key=order))
        if not n:
            new = []
        names = [*self._places, *new]
        targets = np.full((n, len(names)), math.nan)
        for place, name in enumerate(names):
            if name in columns:
                targets[:, place] = [self.number(name, value) for value in columns[name]]
        return Block(targets, {0: new} if new else {})

    def columns(self, y: Any, n: int) -> dict[Hashable, list[Any]]:
        """Return the columns of a block of targets by name.

        Parameters
        ----------
        y
            An eager data frame, or a dict of columns by name.
        n
            Rows that it must have.
        """
        if isinstance(y, Mapping):
            return {name: sequence(values, n) for name, values in y.items()}
        frame = nw.from_native(y, eager_only=True, pass_through=True)
        if not isinstance(frame, nw.DataFrame):
            raise TypeError(
                f"y must be a data frame or a dict of columns by name, got a {type(y).__name__}"
            )
        if length(y) != n:
            raise ValueError(f"X has {n} rows, but y has {length(y)}")
        names = distinct(list(frame.columns))
        return {
            name: sequence(column.to_native(), n)
            for name, column in zip(names, frame.iter_columns(), strict=True)
        }
