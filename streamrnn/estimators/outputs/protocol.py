"""The contract between targets as users write them and the network's outputs."""

from __future__ import annotations

import abc
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from streamrnn.estimators.limits import Limit


class Block(NamedTuple):
    """The targets of a block of samples, as numbers."""

    #: Float64, (T, targets) of all that the outputs know at its end; NaN is unknown.
    targets: np.ndarray
    #: Names without an output so far, by the row in which they come first, in the rows' order.
    arrivals: dict[int, list[Hashable]]
    #: The first name, if any, for which there is no room.
    excess: list[Hashable]


class Outputs(abc.ABC):
    """Turns targets into numbers and predictions back, and knows the names of the outputs.

    Parameters
    ----------
    limit
        Names that get an output at most, None for any number; later ones are unknown targets.
    word
        What messages call a name.
    limit_name
        What the estimator's constructor calls the limit.
    """

    #: Which losses fit.
    task: ClassVar[str]
    #: What stands in a block of predictions for an output that there was not yet.
    blank: ClassVar[float] = np.nan

    def __init__(
        self, limit: int | None = None, word: str = "target", limit_name: str = "max_targets"
    ) -> None:
        self.word = word
        self.limit = Limit(limit, limit_name, f"{word} {{!r}} is not learnt")
        self._places: dict[Hashable, int] = {}

    @property
    def names(self) -> list[Hashable]:
        """Names of the outputs, in their order."""
        return list(self._places)

    @property
    def n_targets(self) -> int:
        """How many targets or classes a loss has to do with."""
        return len(self._places)

    @property
    def n_numbers(self) -> int:
        """How many numbers a target is."""
        return self.n_targets

    @property
    def n_answers(self) -> int:
        """How many numbers of a prediction mean something."""
        return len(self._places)

    def add(self, names: Sequence[Hashable]) -> None:
        """Give new names the next outputs."""
        for name in names:
            self._places[name] = len(self._places)

    def unseen(self, y: Any) -> list[Hashable]:
        """Return the names that are to get an output, in a target that `put` has passed.

        Raises
        ------
        TypeError
            If what comes with one of them is of the wrong kind.
        """
        return self.limit.fitting(self._without_output(y), len(self._places))

    def pass_over(self, y: Any) -> None:
        """Warn, once, of a target that still has a name without an output: there is no room."""
        for name in self._without_output(y)[:1]:
            self.limit.warn(name)

    @abc.abstractmethod
    def _without_output(self, y: Any) -> list[Hashable]:
        """Return the names in a target that have no output, in the order in which they get one."""

    @abc.abstractmethod
    def put(self, y: Any, goal: memoryview[float]) -> bool:
        """Write a target, NaN where unknown, to the start of `goal`, which is no part of a model.

        Names without an output are passed over; returns whether none of them is to get one.

        Raises
        ------
        TypeError
            If the target is of the wrong kind.
        """

    @abc.abstractmethod
    def block(self, y: Any, n: int, grows: bool = True) -> Block:
        """Turn the targets of `n` samples into numbers; unless it `grows`, new names are unknown.

        Raises
        ------
        ValueError, TypeError
            If they are not as many, or one is of the wrong kind.
        """

    def known(self, y: Any, n: int) -> np.ndarray:
        """Turn the targets of `n` samples, of which new names are unknown, into numbers.

        They are (T, targets); if `y` is None no target is known. Raises as `block` does.
        """
        if y is None:
            return np.full((n, self.n_numbers), np.nan)
        return self.block(y, n, grows=False).targets

    @abc.abstractmethod
    def answer(self, out: np.ndarray) -> Any:
        """Turn one prediction of the network, (columns,), into the user's.

        An old one may be shorter, of an event that came before some of the outputs.
        """

    @abc.abstractmethod
    def answers(self, out: np.ndarray) -> np.ndarray:
        """Turn predictions, (T, answers), into the user's; `blank` is for outputs to come."""

    @abc.abstractmethod
    def guess(self, out: np.ndarray) -> np.ndarray:
        """Turn a prediction of the network into numbers like those of a target, (targets,)."""
