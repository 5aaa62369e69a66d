"""What is predicted: steps with inputs and targets, and when each target becomes known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

#: The input that holds the value of a series.
VALUE = "value"
#: The input that holds the target before, where models are told.
LAST = "last target"


@dataclass(frozen=True)
class Stream:
    """A stream, to be predicted step by step.

    Attributes
    ----------
    name
        What tables call it.
    task
        The table that it is in: one of `TASKS`.
    kind
        Which rows are run on it; streams of a kind have the same inputs and targets.
    xs
        Inputs of each step, known when its prediction is made.
    ys
        What is to be predicted at each step.
    about
        What it is, in a sentence.
    first
        The first step whose prediction counts.
    horizon
        How many steps ahead the (last) target lies, where inputs and targets are one series.
    late
        How many more predictions are made before the target of a step is known.
    season
        Steps of a season, 0 for none.
    moments
        When the values of the inputs were taken, and those after them, if that is known.
    """

    name: str
    task: str
    kind: str
    xs: list[dict[str, Any]]
    ys: list[Any]
    about: str
    first: int = 0
    horizon: int = 1
    late: int = 0
    season: int = 0
    moments: list[datetime] | None = None

    def head(self, n: int) -> Stream:
        """Return its first steps."""
        return replace(self, xs=self.xs[:n], ys=self.ys[:n])


TASKS = {
    "forecasting": "Forecasting",
    "regression": "Regression",
    "classification": "Classification",
    "chaotic": "Chaotic series, sunspots, a laser",
}


def ahead(values: list[float], horizon: int, **described: Any) -> Stream:
    """Return the stream in which each value of a series is to tell the one `horizon` later.

    The value at t + h is known when step t + h begins: after h - 1 more predictions.
    """
    n = len(values) - horizon
    return Stream(
        xs=[{VALUE: value} for value in values[:n]],
        ys=values[horizon:],
        horizon=horizon,
        late=horizon - 1,
        **described,
    )


def several_ahead(values: list[float], horizon: int, **described: Any) -> Stream:
    """Return the stream in which each value of a series is to tell the next `horizon` ones."""
    n = len(values) - horizon
    return Stream(
        xs=[{VALUE: value} for value in values[:n]],
        ys=[values[t + 1 : t + 1 + horizon] for t in range(n)],
        horizon=horizon,
        late=horizon - 1,
        **described,
    )


def with_last(xs: list[dict[str, Any]], ys: list[Any], **described: Any) -> Stream:
    """Return the stream in which the target before is an input; the first row only gives that."""
    told = [{**x, LAST: y} for x, y in zip(xs[1:], ys[:-1], strict=True)]
    return Stream(xs=told, ys=ys[1:], **described)
