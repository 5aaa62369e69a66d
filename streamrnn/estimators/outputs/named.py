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

    def _without_output(self, y: Any) -> list[Hashable]:
        """Return the names without an output, sorted."""
        return sorted((name for name in y or () if name not in self._places), key=order)

    def unseen(self, y: Any) -> list[Hashable]:
        """Return the names that are to get an output, sorted; check their values."""
        new = super().unseen(y)
        for name in new:
            self.number(name, y[name])
        return new

    def put(self, y: Any, goal: memoryview[float]) -> bool:
        """Write the values; say whether all names have an output or cannot get one."""
        if y is None:
            y = {}
        elif type(y) is not dict and not isinstance(y, Mapping):
            raise TypeError(
                f"the target must be a dict of values by name, got {y!r}, a {type(y).__name__}"
            )
        n_known = 0
        for name, place in self._places.items():
            if name in y:
                goal[place] = self.number(name, y[name])
                n_known += 1
            else:
                goal[place] = math.nan
        return n_known == len(y) or self.limit.has_warned

    def block(self, y: Any, n: int, grows: bool = True) -> Block:
        """Return the columns in the order of the outputs; new names come in the first row."""
        columns = self._columns(y, n)
        new = sorted((name for name in columns if name not in self._places), key=order)
        if not n or not grows:
            new = []
        fitting = self.limit.fitting(new, len(self._places))
        names = [*self._places, *fitting]
        targets = np.full((n, len(names)), math.nan)
        for place, name in enumerate(names):
            if name in columns:
                targets[:, place] = [self.number(name, value) for value in columns[name]]
        return Block(targets, {0: fitting} if fitting else {}, new[len(fitting) :][:1])

    def _columns(self, y: Any, n: int) -> dict[Hashable, list[Any]]:
        """Return the columns of a block of targets by name.

        Parameters
        ----------
        y
            An eager data frame, or a dict of columns by name.
        n
            Rows that it must have.
        """
        if isinstance(y, Mapping):
            return {
                name: sequence(values, n, f"the {self.word} {name!r}") for name, values in y.items()
            }
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
