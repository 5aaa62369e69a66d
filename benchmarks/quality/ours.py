"""Our rows: what estimator is run on which kind of stream. Add a line to try an option.

Each is made from a seed and the stream, whose horizon a direct forecast needs. Rows of `DEFAULTS`
have no other arguments than the task asks for; what was chosen by looking is in `TUNED`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quality.protocol import Contestant, Events, Forecasting, Supervised, prequential
from quality.rows import Row
from quality.streams import LAST, Stream
from streamrnn import RNNClassifier, RNNForecaster, RNNMultiTargetRegressor, RNNRegressor

Factory = Callable[[int, Stream], Any]

DEFAULTS: dict[str, dict[str, Factory]] = {
    "rows": {
        "RNNMultiTargetRegressor": lambda seed, stream: RNNMultiTargetRegressor(seed=seed),
    },
    "series": {
        "RNNForecaster": lambda seed, stream: RNNForecaster(seed=seed),
    },
    "taxi": {
        "RNNRegressor": lambda seed, stream: RNNRegressor(seed=seed),
        "RNNForecaster": lambda seed, stream: RNNForecaster(seed=seed),
        "RNNForecaster, direct": lambda seed, stream: RNNForecaster(
            direct=stream.horizon, seed=seed
        ),
    },
    "chaotic": {
        "RNNRegressor": lambda seed, stream: RNNRegressor(seed=seed),
        "RNNForecaster": lambda seed, stream: RNNForecaster(seed=seed),
        "RNNForecaster, direct": lambda seed, stream: RNNForecaster(
            direct=stream.horizon, seed=seed
        ),
    },
    "regression": {
        "RNNRegressor": lambda seed, stream: RNNRegressor(seed=seed),
    },
    "classification": {
        "RNNClassifier": lambda seed, stream: RNNClassifier(seed=seed),
    },
}

TUNED: dict[str, dict[str, Factory]] = {
    "rows": {
        "RNNMultiTargetRegressor, 64 units, K = 48": lambda seed, stream: RNNMultiTargetRegressor(
            hidden_size=64, truncation=48, seed=seed
        ),
    },
    "series": {
        "RNNForecaster, every change as it is": lambda seed, stream: RNNForecaster(
            scale_clip=None, loss="squared", seed=seed
        ),
    },
    "taxi": {
        "RNNForecaster, lr 0.001": lambda seed, stream: RNNForecaster(lr=0.001, seed=seed),
    },
    "chaotic": {
        "RNNForecaster, recomputed, m = 24": lambda seed, stream: RNNForecaster(
            activations="recomputed", loss_window=24, seed=seed
        ),
    },
}

#: Steps that are run before the clock starts, so that everything is compiled.
WARM_UP = 50


class Untold(Supervised):
    """A model that keeps the target before by itself, and is not told it."""

    def answer(self, t: int, x: dict[str, Any]) -> Any:
        """Predict from the other inputs."""
        return super().answer(t, _without_last(x))

    def learn(self, t: int, x: dict[str, Any], y: Any) -> None:
        """Learn from the other inputs."""
        super().learn(t, _without_last(x), y)


def _without_last(x: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in x.items() if name != LAST}


def contestant(model: Any, stream: Stream) -> Contestant:
    """Return one of our models as the loop sees it."""
    if hasattr(model, "forecast"):
        return Forecasting(model, stream, tells_moments=True)
    if getattr(model, "lagged_target", False) and LAST in stream.xs[0]:
        return Untold(model)
    return Events(model) if stream.late else Supervised(model)


def _row(make: Factory, family: str) -> Row:
    def run(stream: Stream, seed: int) -> tuple[list[Any], float]:
        few = stream.head(WARM_UP)
        prequential(few, contestant(make(seed, few), few))
        return prequential(stream, contestant(make(seed, stream), stream))

    return Row(run, "streamrnn", family, seeded=True)


def rows(kind: str) -> dict[str, Row]:
    """Return our rows of a kind of stream, by name."""
    found = {name: _row(make, "ours") for name, make in DEFAULTS.get(kind, {}).items()}
    for name, make in TUNED.get(kind, {}).items():
        found[f"{name}, tuned"] = _row(make, "tuned")
    return found
