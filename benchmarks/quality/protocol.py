"""Predict, then learn: one loop for all models, in which nothing looks ahead.

What differs between models is what they are told of a step, and how: a `Contestant`.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Protocol

from quality.streams import VALUE, Stream


class Contestant(Protocol):
    """A model as the loop sees it."""

    def answer(self, t: int, x: dict[str, Any]) -> Any:
        """Take in step `t`; return what is predicted for it."""

    def learn(self, t: int, x: dict[str, Any], y: Any) -> None:
        """Take the target of step `t`, which may lie some steps back."""


class Supervised:
    """Any regressor or classifier of River's that forgets a sample when it has predicted it."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def answer(self, t: int, x: dict[str, Any]) -> Any:
        """Predict from the inputs of the step."""
        return self.model.predict_one(x)

    def learn(self, t: int, x: dict[str, Any], y: Any) -> None:
        """Learn inputs and target together."""
        self.model.learn_one(x, y)


class Events(Supervised):
    """One of our models, whose targets come some steps late: each step is an event."""

    def answer(self, t: int, x: dict[str, Any]) -> Any:
        """Take the step, and predict."""
        return self.model.predict_one(x, t=t)

    def learn(self, t: int, x: dict[str, Any], y: Any) -> None:
        """Tell the target to the step that it belongs to."""
        self.model.learn_one(x, y, t=t)


class WithPast(Supervised):
    """A model without a memory, that gets the last values of a series as inputs.

    Parameters
    ----------
    model
        A regressor of River's.
    n
        How many values.
    """

    def __init__(self, model: Any, n: int) -> None:
        super().__init__(model)
        self._values: deque[float] = deque([0.0] * n, maxlen=n)
        self._told: dict[int, dict[str, float]] = {}

    def answer(self, t: int, x: dict[str, Any]) -> Any:
        """Predict from the last values and what else is known."""
        self._values.appendleft(x[VALUE])
        others = {name: value for name, value in x.items() if name != VALUE}
        self._told[t] = {f"{VALUE} {i}": v for i, v in enumerate(self._values)} | others
        return self.model.predict_one(self._told[t])

    def learn(self, t: int, x: dict[str, Any], y: Any) -> None:
        """Learn from what was known at that step."""
        self.model.learn_one(self._told.pop(t), y)


class Forecasting:
    """A forecaster of River's interface: it learns a value of the series when a step begins.

    Parameters
    ----------
    model
        The forecaster.
    stream
        What it is run on. If all the next values are targets, all are returned, else the last one.
    tells_moments
        Whether the model is told when values are, where that is known.
    """

    def __init__(self, model: Any, stream: Stream, tells_moments: bool = False) -> None:
        self.model = model
        self._horizon = stream.horizon
        self._all = isinstance(stream.ys[0], list)
        self._moments = stream.moments if tells_moments else None

    def answer(self, t: int, x: dict[str, Any]) -> Any:
        """Learn the value of the step; forecast the next ones."""
        self.model.learn_one(x[VALUE], self._moment(t))
        xs = None
        if self._moments is not None:
            xs = [self._moment(t + 1 + i) for i in range(self._horizon)]
        values = self.model.forecast(self._horizon, xs)
        return values if self._all else values[-1]

    def _moment(self, t: int) -> dict[str, Any] | None:
        return None if self._moments is None else {"time": self._moments[t]}

    def learn(self, t: int, x: dict[str, Any], y: Any) -> None:
        """Nothing is new: the value comes with its own step."""


class PerColumn:
    """A forecaster for each column of the rows; each row is learnt as it is asked from.

    Parameters
    ----------
    make
        Returns a new forecaster.
    """

    def __init__(self, make: Any) -> None:
        self._make = make
        self._models: dict[str, Any] = {}

    def answer(self, t: int, x: dict[str, float]) -> dict[str, float]:
        """Learn the row, forecast the next one."""
        answers = {}
        for name, value in x.items():
            model = self._models.get(name) or self._models.setdefault(name, self._make())
            model.learn_one(value)
            answers[name] = model.forecast(1)[0]
        return answers

    def learn(self, t: int, x: dict[str, float], y: dict[str, float]) -> None:
        """Nothing is new: the row comes with its own step."""


def prequential(stream: Stream, contestant: Contestant) -> tuple[list[Any], float]:
    """Predict and learn each step of a stream; return the predictions, and how long it took, s.

    Seconds are those of the processor: what else the machine does makes no difference. The target
    of step t is learnt after the prediction of step t + `late`, when it becomes known.
    """
    predictions, late = [], stream.late
    started = time.process_time()
    for t, x in enumerate(stream.xs):
        predictions.append(contestant.answer(t, x))
        if t >= late:
            contestant.learn(t - late, stream.xs[t - late], stream.ys[t - late])
    return predictions, time.process_time() - started
