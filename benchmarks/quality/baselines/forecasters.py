"""River's forecasters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from river import time_series

from quality.protocol import Forecasting
from quality.rows import Row, in_process
from quality.streams import Stream


class Later:
    """Repeats the last value until the model has learnt a season, before which it cannot forecast.

    Parameters
    ----------
    model
        A forecaster.
    n
        Values that it needs.
    """

    def __init__(self, model: Any, n: int) -> None:
        self._model, self._missing, self._last = model, n, 0.0

    def learn_one(self, y: float, x: Any = None) -> None:
        """Take the next value."""
        self._model.learn_one(y)
        self._missing, self._last = self._missing - 1, y

    def forecast(self, horizon: int, xs: Any = None) -> list[float]:
        """Return the next values."""
        if self._missing > 0:
            return [self._last] * horizon
        return self._model.forecast(horizon)


def snarimax(season: int) -> Any:
    """Return SNARIMAX with one lag, one seasonal lag and differences."""
    return time_series.SNARIMAX(p=1, d=1, q=0, m=season, sp=1)


def additive(season: int) -> Any:
    """Return Holt-Winters with an additive season."""
    return Later(time_series.HoltWinters(0.3, 0.1, 0.1, season), season)


def multiplicative(season: int) -> Any:
    """Return Holt-Winters with a multiplicative season."""
    return Later(time_series.HoltWinters(0.3, 0.1, 0.6, season, multiplicative=True), season)


def _row(make: Callable[[int], Any], season: int = 0) -> Row:
    def contestant(stream: Stream, seed: int) -> Forecasting:
        return Forecasting(make(season or stream.season), stream)

    return Row(in_process(contestant), "river")


ROWS = {
    "series": {
        "SNARIMAX(p=1, d=1, sp=1)": _row(snarimax),
        "HoltWinters(.3, .1, .1)": _row(additive),
        "HoltWinters(.3, .1, .6), multiplicative": _row(multiplicative),
    },
    "taxi": {
        "SNARIMAX(p=1, d=1, sp=1)": _row(snarimax),
        "HoltWinters(.3, .1, .1)": _row(additive),
    },
}
