"""River's regressors and classifiers: linear models, forests, ensembles of trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from river import ensemble, forest, linear_model, preprocessing, tree

from quality.protocol import Supervised, WithPast
from quality.rows import Row, in_process


def linear() -> Any:
    """Return River's linear regression of standardised inputs."""
    return preprocessing.StandardScaler() | linear_model.LinearRegression()


def logistic() -> Any:
    """Return River's logistic regression of standardised inputs."""
    return preprocessing.StandardScaler() | linear_model.LogisticRegression()


def bagging(seed: int) -> Any:
    """Return leveraging bagging of Hoeffding trees."""
    return ensemble.LeveragingBaggingClassifier(tree.HoeffdingTreeClassifier(), seed=seed)


class PerTarget:
    """A regressor for each target of several by name."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._models: dict[str, Any] = {}

    def predict_one(self, x: dict[str, float]) -> dict[str, float]:
        """Return a prediction for each target seen so far."""
        return {name: model.predict_one(x) for name, model in self._models.items()}

    def learn_one(self, x: dict[str, float], y: dict[str, float]) -> None:
        """Let each model learn its target."""
        for name, value in y.items():
            if name not in self._models:
                self._models[name] = self._make()
            self._models[name].learn_one(x, value)


def _plain(make: Callable[[int], Any], slow: bool = False) -> Row:
    run = in_process(lambda stream, seed: Supervised(make(seed)))
    return Row(run, "river", slow=slow)


def _of_past(make: Callable[[int], Any], n: int, slow: bool = False) -> Row:
    return Row(in_process(lambda stream, seed: WithPast(make(seed), n)), "river", slow=slow)


def arf(seed: int) -> Any:
    """Return an adaptive random forest; linear models in its leaves want standardised inputs."""
    return preprocessing.StandardScaler() | forest.ARFRegressor(seed=seed)


def amf(seed: int) -> Any:
    """Return an aggregated Mondrian forest."""
    return preprocessing.StandardScaler() | forest.AMFRegressor(seed=seed)


def srp(seed: int) -> Any:
    """Return streaming random patches."""
    return preprocessing.StandardScaler() | ensemble.SRPRegressor(seed=seed)


ROWS = {
    "rows": {
        "LinearRegression": _plain(lambda seed: PerTarget(linear)),
        "ARF": _plain(lambda seed: PerTarget(lambda: arf(seed)), slow=True),
    },
    "taxi": {
        "LinearRegression, last 48 values": _of_past(lambda seed: linear(), 48),
        "ARF, last 48 values": _of_past(arf, 48, slow=True),
        "AMF, last 48 values": _of_past(amf, 48, slow=True),
    },
    "chaotic": {
        "LinearRegression, last 10 values": _of_past(lambda seed: linear(), 10),
        "ARF, last 10 values": _of_past(arf, 10, slow=True),
    },
    "regression": {
        "LinearRegression": _plain(lambda seed: linear()),
        "ARF": _plain(arf, slow=True),
        "SRP": _plain(srp, slow=True),
        "AMF": _plain(amf, slow=True),
    },
    "classification": {
        "LogisticRegression": _plain(lambda seed: logistic()),
        "ARF": _plain(lambda seed: forest.ARFClassifier(seed=seed), slow=True),
        "LeveragingBagging": _plain(bagging, slow=True),
        "SRP": _plain(lambda seed: ensemble.SRPClassifier(seed=seed), slow=True),
        "AMF": _plain(lambda seed: forest.AMFClassifier(seed=seed), slow=True),
    },
}
