"""deep-river's LSTMs, run by its own Python: a stream in as JSON, predictions and seconds out.

Settings are those of deep-river's own benchmarks: windows of 30 samples (12 to forecast), 32 units
(64 for regression), Adam with 0.001. Inputs are standardised, and targets that are numbers, too.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and PyTorch are imported

import torch
from deep_river.classification import LSTMClassifier
from deep_river.forecasting import LSTMForecaster
from deep_river.regression import LSTMRegressor
from quality.protocol import Contestant, Forecasting, PerColumn, Supervised, prequential
from quality.streams import Stream
from river import preprocessing, stats

OPTIMIZER = {"optimizer_fn": "adam", "lr": 1e-3}


class Standardized:
    """A forecaster that gets the series with mean 0 and variance 1, by what it has seen so far."""

    def __init__(self, seed: int) -> None:
        self._model = LSTMForecaster(hidden_size=32, window_size=12, seed=seed, **OPTIMIZER)
        self._variance, self._n = stats.Var(ddof=0), 0

    def learn_one(self, y: float, x: Any = None) -> None:
        """Take the next value."""
        self._variance.update(y)
        self._n += 1
        self._model.learn_one((y - self._variance.mean.get()) / self._scale())

    def forecast(self, horizon: int, xs: Any = None) -> list[float]:
        """Return the next values, in the series' units."""
        level, scale = self._variance.mean.get(), self._scale()
        return [level + scale * value for value in self._model.forecast(horizon)]

    def _scale(self) -> float:
        return self._variance.get() ** 0.5 or 1.0


def contestant(stream: Stream, seed: int) -> Contestant:
    """Return deep-river's model for a kind of stream."""
    n = len(stream.xs[0])
    if stream.kind == "classification":
        model = LSTMClassifier(
            n_features=n, hidden_size=32, window_size=30, seed=seed, gradient_clip_value=1.0,
            **OPTIMIZER,
        )  # fmt: skip
        return Supervised(preprocessing.StandardScaler() | model)
    if stream.kind == "regression":
        model = LSTMRegressor(n_features=n, hidden_size=64, window_size=30, seed=seed, **OPTIMIZER)
        scaled = preprocessing.TargetStandardScaler(model)
        return Supervised(preprocessing.StandardScaler() | scaled)
    if stream.kind == "rows":
        return PerColumn(lambda: Standardized(seed))
    return Forecasting(Standardized(seed), stream)


def main() -> None:
    """Answer the one request on the standard input."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get among the answer
    request = json.load(sys.stdin)
    torch.set_num_threads(1)
    torch.manual_seed(request["seed"])  # its own comes after the first weights
    stream = Stream(**request["stream"])
    predictions, seconds = prequential(stream, contestant(stream, request["seed"]))
    if predictions[-1] is not None and hasattr(predictions[-1], "item"):
        predictions = [None if one is None else one.item() for one in predictions]
    json.dump({"predictions": predictions, "seconds": seconds}, answers)


if __name__ == "__main__":
    main()
