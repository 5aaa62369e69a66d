"""Nothing learnt: the last value, that of the last season, the last label."""

from __future__ import annotations

from collections import deque
from typing import Any

from quality.protocol import Forecasting, PerColumn, Supervised
from quality.rows import Row, in_process
from quality.streams import Stream


class Seasonal:
    """Forecasts the value of the same moment in the last season; of a season of 1, the last value.

    Until a whole season was seen, the last value stands for the others.
    """

    def __init__(self, season: int = 1) -> None:
        self._values: deque[float] = deque(maxlen=season)

    def learn_one(self, y: float, x: Any = None) -> None:
        """Take the next value."""
        self._values.append(y)

    def forecast(self, horizon: int, xs: Any = None) -> list[float]:
        """Return the next values."""
        values = self._values
        if len(values) < (values.maxlen or 0):
            return [values[-1]] * horizon
        return [values[i % len(values)] for i in range(horizon)]


class LastTarget:
    """Predicts the last target that was learnt; before that, `start`."""

    def __init__(self, start: Any) -> None:
        self._last = start

    def predict_one(self, x: Any) -> Any:
        """Return the last target."""
        return self._last

    def learn_one(self, x: Any, y: Any) -> None:
        """Keep the target."""
        self._last = y


def _forecasting(season: int) -> Row:
    def make(stream: Stream, seed: int) -> Forecasting:
        return Forecasting(Seasonal(season or stream.season), stream)

    return Row(in_process(make))


def _rows_to_come(season: int) -> Row:
    return Row(in_process(lambda stream, seed: PerColumn(lambda: Seasonal(season))))


def _last(start: Any) -> Row:
    return Row(in_process(lambda stream, seed: Supervised(LastTarget(start))))


ROWS = {
    "rows": {"last value": _rows_to_come(1), "same season": _rows_to_come(24)},
    "series": {"last value": _forecasting(1), "same season": _forecasting(0)},
    "taxi": {"last value": _forecasting(1), "same time last week": _forecasting(0)},
    "chaotic": {"last value": _forecasting(1)},
    "regression": {"last target": _last(0.0)},
    "classification": {"last label": _last(None)},
}
