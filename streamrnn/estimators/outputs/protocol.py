"""The contract between targets as users write them and the network's outputs."""

from __future__ import annotations

import abc
import warnings
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np


class Block(NamedTuple):
    """The targets of a block of samples, as numbers."""

    #: Float64, (T, targets) of all that the outputs know at its end; NaN is unknown.
    targets: np.ndarray
    #: Names without an output so far, by the row in which they come first, in the rows' order.
    arrivals: dict[int, list[Hashable]]


class Outputs(abc.ABC):
    """Turns targets into numbers and predictions back, and knows the names of the outputs.

    Parameters
    ----------
    limit
        Names that get an output at most, None for any number; later ones are unknown targets.
    """

    #: Which losses fit.
    task: ClassVar[str]
    #: What the constructors call a name, and the limit.
    word: str = "target"
    limit_name: str = ""
    #: What stands in a block of predictions for an output that there was not yet.
    blank: ClassVar[float] = np.nan

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self._places: dict[Hashable, int] = {}
        self._has_warned = False

    @property
    def names(self) -> list[Hashable]:
        """Names of the outputs, in their order."""
        return list(self._places)

    @property
    def n_targets(self) -> int:
        """How many targets or classes a loss has to do with."""
        return len(self._places)

    @property
    def n_answers(self) -> int:
        """How many numbers of a prediction mean something."""
        return len(self._places)

    def add(self, names: Sequence[Hashable]) -> None:
        """Give new names the next outputs."""
        for name in names:
            self._places[name] = len(self._places)

    def fitting(self, names: list[Hashable], taken: int = 0) -> list[Hashable]:
        """Return those of some new names for which there is room; warn once of others.

        `taken` outputs are spoken for, besides those that have a name.
        """
        if self.limit is None or not names:
            return names
        room = self.limit - len(self._places) - taken
        if len(names) > room and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"{self.word} {names[room]!r} is not learnt: {self.limit_name}={self.limit} "
                "is reached",
                stacklevel=4,
            )
        return names[:room]

    @abc.abstractmethod
    def unseen(self, y: Any) -> list[Hashable]:
        """Return the names in a target that are to get an output.

        Raises
        ------
        TypeError
            If the target is of the wrong kind.
        """

    @abc.abstractmethod
    def put(self, y: Any, goal: memoryview[float]) -> None:
        """Write a target that `unseen` has passed, NaN where unknown, to the start of `goal`."""

    @abc.abstractmethod
    def block(self, y: Any, n: int) -> Block:
        """Turn the targets of `n` samples into numbers.

        Raises
        ------
        ValueError, TypeError
            If they are not as many, or one is of the wrong kind.
        """

    @abc.abstractmethod
    def answer(self, out: np.ndarray) -> Any:
        """Turn one prediction of the network, (columns,), into the user's."""

    @abc.abstractmethod
    def answers(self, out: np.ndarray) -> np.ndarray:
        """Turn predictions, (T, answers), into the user's; `blank` is for outputs to come."""

    @abc.abstractmethod
    def guess(self, out: np.ndarray) -> np.ndarray:
        """Turn a prediction of the network into numbers like those of a target, (targets,)."""
