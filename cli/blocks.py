"""Blocks: consecutive samples with the same features, which a model replays in one call."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .lags import Lags
from .rows import Sample

if TYPE_CHECKING:
    import numpy as np

#: Rows in a block: enough that a call costs nothing, few enough to stay small.
SIZE = 1024


@dataclass
class Block:
    """Consecutive samples with the same features, in columns.

    Parameters
    ----------
    names
        The features; the first `own` come from the rows, the others are lags.
    own
        How many features come from the rows.
    numbers, times, values, targets
        As in `Sample`, one entry a row.
    """

    names: tuple[str, ...]
    own: int
    numbers: list[int] = field(default_factory=list)
    times: list[Any] = field(default_factory=list)
    values: list[list[float]] = field(default_factory=list)
    targets: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.numbers)

    def matrix(self) -> "np.ndarray":
        """Return the features as an array (rows, features); missing values are NaN."""
        import numpy as np

        return np.array(self.values, dtype=np.float64).reshape(len(self), len(self.names))

    @cached_property
    def dicts(self) -> list[dict[str, float]]:
        """The features as River takes them, made once for all; missing values are left out."""
        isfinite = math.isfinite
        return [
            {name: v for name, v in zip(self.names, row, strict=True) if isfinite(v)}
            for row in self.values
        ]

    def missing(self) -> int:
        """Count the cells without a value; lags that are not known yet are none of them."""
        return sum(not math.isfinite(v) for row in self.values for v in row[: self.own])


def blocks(samples: Iterable[Sample], lags: Lags) -> Iterator[Block]:
    """Append the lags to the samples and gather them in blocks."""
    block = Block((), 0)
    for sample in samples:
        names, values = lags.extend(sample)
        lags.remember(sample.target)
        if names != block.names or len(block) == SIZE:
            if len(block):
                yield block
            block = Block(names, len(sample.names))
        block.numbers.append(sample.number)
        block.times.append(sample.time)
        block.values.append(values)
        block.targets.append(sample.target)
    if len(block):
        yield block
