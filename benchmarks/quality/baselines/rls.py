"""Recursive least squares on the last values: linear autoregression that follows the series."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from quality.protocol import Forecasting, PerColumn, WithPast
from quality.rows import Row, in_process

#: What a sample weighs after each further one: of one column, and of all together.
FORGETTING, FORGETTING_ALL = 0.999, 0.9995
#: The inverse of the ridge that keeps the first weights small.
START = 100.0


class LeastSquares:
    """Linear regression, exact after each sample; weighs older ones less (Haykin 2002, 9.3).

    Parameters
    ----------
    n
        Inputs, to which a constant is added.
    outputs
        Numbers to predict.
    forgetting
        What a sample weighs after each further one.
    """

    def __init__(self, n: int, outputs: int = 1, forgetting: float = FORGETTING) -> None:
        self._forgetting = forgetting
        self._weights = np.zeros((n + 1, outputs))
        self._inverse = np.eye(n + 1) * START

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the predictions, (outputs,), for inputs, (n,)."""
        return x @ self._weights[:-1] + self._weights[-1]

    def learn(self, x: np.ndarray, y: np.ndarray | float) -> None:
        """Take a sample."""
        v = np.append(x, 1.0)
        across = self._inverse @ v
        gain = across / (self._forgetting + v @ across)
        self._weights += np.outer(gain, y - v @ self._weights)
        inverse = (self._inverse - np.outer(gain, across)) / self._forgetting
        self._inverse = (inverse + inverse.T) / 2  # rounding must not add up on one side
        if (
            np.trace(self._inverse) > 1e12
        ):  # a direction that the series has left: nothing to forget
            self._inverse *= self._forgetting


class LeastSquaresRegressor:
    """`LeastSquares` with River's interface, of inputs by name in their order."""

    def __init__(self) -> None:
        self._model: LeastSquares | None = None

    def predict_one(self, x: dict[str, float]) -> float:
        """Return the prediction; 0 before anything was learnt."""
        return 0.0 if self._model is None else self._model.predict(_vector(x)).item()

    def learn_one(self, x: dict[str, float], y: float) -> None:
        """Take a sample."""
        if self._model is None:
            self._model = LeastSquares(len(x))
        self._model.learn(_vector(x), y)


def _vector(x: dict[str, float]) -> np.ndarray:
    return np.fromiter(x.values(), float, len(x))


class Autoregression:
    """Forecasts from the last `n` values, several steps ahead by its own forecasts."""

    def __init__(self, n: int) -> None:
        self._model = LeastSquares(n)
        self._past: deque[float] = deque(maxlen=n)
        self._n = n

    def learn_one(self, y: float, x: Any = None) -> None:
        """Learn the next value, as soon as there are `n` before it."""
        if len(self._past) == self._n:
            self._model.learn(np.array(self._past), y)
        self._past.append(y)

    def forecast(self, horizon: int, xs: Any = None) -> list[float]:
        """Return the next values; as long as nothing was learnt, the last one."""
        past, out = self._past.copy(), []
        if len(past) < self._n:
            return [past[-1]] * horizon
        for _ in range(horizon):
            out.append(self._model.predict(np.array(past)).item())
            past.append(out[-1])
        return out


class VectorAutoregression:
    """Predicts all columns of the next row from the last `n` rows, as a `Contestant`."""

    def __init__(self, n: int) -> None:
        self._past: deque[list[float]] = deque(maxlen=n)
        self._model: LeastSquares | None = None
        self._told: np.ndarray | None = None

    def answer(self, t: int, x: dict[str, float]) -> dict[str, float]:
        """Take the row, predict the next one; the same one as long as there are too few."""
        self._past.append(list(x.values()))
        if len(self._past) < (self._past.maxlen or 0):
            return x
        if self._model is None:
            self._model = LeastSquares(len(self._past) * len(x), len(x), FORGETTING_ALL)
        self._told = np.concatenate(self._past)
        return dict(zip(x, self._model.predict(self._told).tolist(), strict=True))

    def learn(self, t: int, x: dict[str, float], y: dict[str, float]) -> None:
        """Learn from the rows that the prediction was made of."""
        if self._model is not None and self._told is not None:
            self._model.learn(self._told, np.array(list(y.values())))


def _columns(n: int) -> Row:
    return Row(in_process(lambda stream, seed: PerColumn(lambda: Autoregression(n))))


def _vectors(n: int) -> Row:
    return Row(in_process(lambda stream, seed: VectorAutoregression(n)))


def _recursive(n: int) -> Row:
    return Row(in_process(lambda stream, seed: Forecasting(Autoregression(n), stream)))


def _direct(n: int) -> Row:
    return Row(in_process(lambda stream, seed: WithPast(LeastSquaresRegressor(), n)))


ROWS = {
    "rows": {
        **{f"RLS-AR({n}), each column": _columns(n) for n in (3, 24)},
        **{f"RLS-AR({n}), all columns": _vectors(n) for n in (3, 24)},
    },
    "series": {f"RLS-AR({n})": _recursive(n) for n in (3, 12)},
    "taxi": {"RLS-AR(48)": _direct(48)},
    "chaotic": {"RLS-AR(20)": _direct(20)},
}
