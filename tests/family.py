"""Every estimator with one way to feed it: for what must hold of all of them.

Files of the models in `FAMILY` are kept (`golden_models`): they are what was the default once.
Those in `DEFAULTS` are what users get today.
"""

import math
from typing import NamedTuple

from estimator_helpers import SMALL, plain
from river import drift

from streamrnn import (
    KeyedModel,
    RNNAnomalyDetector,
    RNNClassifier,
    RNNForecaster,
    RNNMultiLabelClassifier,
    RNNMultiTargetRegressor,
    RNNRegressor,
    RNNTransformer,
)


class Member(NamedTuple):
    """How a model is made, told of the i-th sample, and asked."""

    make: object
    learn: object
    ask: object


def x_of(i):
    """A sample with a feature that comes late and one that is missing at times."""
    x = {"a": math.sin(2 * i), "b": i % 5 if i % 7 else None}
    if i > 12:
        x["late"] = math.cos(i)
    return x


def y_of(i):
    return math.sin(i) + i % 3


def _label(i):
    return ["low", 7, ("high", 1)][i % 3 if i > 4 else 0]


def _numbers(i):
    return {"s": y_of(i)} | ({"t": None if i % 4 else float(i)} if i > 6 else {})


def _flags(i):
    return {"odd": i % 2 == 1} | ({"third": i % 3 == 0} if i > 6 else {})


def _supervised(make, target, ask):
    return Member(make, lambda model, i: model.learn_one(x_of(i), target(i)), ask)


def _predict(model, i):
    return model.predict_one(x_of(i))


def _probabilities(model, i):
    return model.predict_proba_one(x_of(i))


def _late(model, i):
    """Targets come three samples late, by the ids of their events."""
    model.predict_one(x_of(i), t=("event", i))
    if i >= 3:
        model.learn_one(x_of(i - 3), y_of(i - 3), t=("event", i - 3), w=1 + i % 2)


def _keyed(i):
    return x_of(i) | {"id": i * i % 7}


#: A head that learns by itself, and changes predicted in place of levels.
NEWER = {"head": "rls", "predict_change": True}

FAMILY = {
    "regressor": _supervised(lambda: plain(RNNRegressor, **SMALL), y_of, _predict),
    "lagged": _supervised(lambda: plain(RNNRegressor, **SMALL, lagged_target=True), y_of, _predict),
    "late": Member(
        lambda: plain(RNNRegressor, **SMALL, update_every=2, loss_window=2), _late, _predict
    ),
    "drift": _supervised(
        lambda: plain(
            RNNRegressor, **SMALL, drift_detector=drift.PageHinkley(min_instances=5, threshold=2)
        ),
        y_of,
        _predict,
    ),
    "classifier": _supervised(lambda: plain(RNNClassifier, **SMALL), _label, _probabilities),
    "lagged classifier": _supervised(
        lambda: plain(RNNClassifier, **SMALL, lagged_target=True), _label, _probabilities
    ),
    "targets": _supervised(lambda: plain(RNNMultiTargetRegressor, **SMALL), _numbers, _predict),
    "labels": _supervised(lambda: plain(RNNMultiLabelClassifier, **SMALL), _flags, _probabilities),
    "transformer": _supervised(
        lambda: RNNTransformer(**SMALL), y_of, lambda model, i: model.transform_one(x_of(i))
    ),
    "forecaster": Member(
        lambda: plain(RNNForecaster, **SMALL, lags=(1, 3)),
        lambda model, i: model.learn_one(y_of(i), x_of(i)),
        lambda model, i: model.forecast(3, [x_of(i), x_of(i + 1), x_of(i + 2)]),
    ),
    "direct forecaster": Member(
        lambda: plain(RNNForecaster, **SMALL, direct=3),
        lambda model, i: model.learn_one(y_of(i)),
        lambda model, i: model.forecast(2),
    ),
    "anomaly detector": Member(
        lambda: RNNAnomalyDetector(**SMALL),
        lambda model, i: model.learn_one(x_of(i)),
        lambda model, i: model.score_one(x_of(i)),
    ),
    "keyed": Member(
        lambda: KeyedModel(plain(RNNRegressor, **SMALL, lagged_target=True), key="id", max_keys=2),
        lambda model, i: model.learn_one(_keyed(i), y_of(i)),
        lambda model, i: model.predict_one(_keyed(i)),
    ),
    "least squares": _supervised(lambda: RNNRegressor(**SMALL, head="rls"), y_of, _predict),
    "change": _supervised(lambda: RNNRegressor(**SMALL, predict_change=True), y_of, _predict),
    "newer": _supervised(
        lambda: RNNRegressor(**SMALL, **NEWER, lagged_target=True), y_of, _predict
    ),
    "skip": _supervised(
        lambda: RNNRegressor(**SMALL, head="linear_skip", lagged_target=True), y_of, _predict
    ),
    "newer late": Member(
        lambda: RNNRegressor(**SMALL, **NEWER, update_every=2, loss_window=2), _late, _predict
    ),
    "newer targets": _supervised(
        lambda: RNNMultiTargetRegressor(**SMALL, **NEWER), _numbers, _predict
    ),
    "least squares classifier": _supervised(
        lambda: RNNClassifier(**SMALL, head="rls"), _label, _probabilities
    ),
    "least squares labels": _supervised(
        lambda: RNNMultiLabelClassifier(**SMALL, head="rls"), _flags, _probabilities
    ),
    "newer forecaster": Member(
        lambda: RNNForecaster(**SMALL, **NEWER, lags=(1, 3)),
        lambda model, i: model.learn_one(y_of(i), x_of(i)),
        lambda model, i: model.forecast(3, [x_of(i), x_of(i + 1), x_of(i + 2)]),
    ),
    "newer direct forecaster": Member(
        lambda: RNNForecaster(**SMALL, **NEWER, direct=3),
        lambda model, i: model.learn_one(y_of(i)),
        lambda model, i: model.forecast(2),
    ),
    "newer keyed": Member(
        lambda: KeyedModel(RNNRegressor(**SMALL, **NEWER), key="id", max_keys=2),
        lambda model, i: model.learn_one(_keyed(i), y_of(i)),
        lambda model, i: model.predict_one(_keyed(i)),
    ),
}

DEFAULTS = {
    "default regressor": _supervised(lambda: RNNRegressor(**SMALL), y_of, _predict),
    "default late": Member(
        lambda: RNNRegressor(**SMALL, update_every=2, loss_window=2), _late, _predict
    ),
    "default drift": _supervised(
        lambda: RNNRegressor(
            **SMALL, drift_detector=drift.PageHinkley(min_instances=5, threshold=0.5)
        ),
        y_of,
        _predict,
    ),
    "default classifier": _supervised(lambda: RNNClassifier(**SMALL), _label, _probabilities),
    "default targets": _supervised(lambda: RNNMultiTargetRegressor(**SMALL), _numbers, _predict),
    "default labels": _supervised(lambda: RNNMultiLabelClassifier(**SMALL), _flags, _probabilities),
    "default forecaster": FAMILY["forecaster"]._replace(
        make=lambda: RNNForecaster(**SMALL, lags=(1, 3))
    ),
    "default direct forecaster": FAMILY["direct forecaster"]._replace(
        make=lambda: RNNForecaster(**SMALL, direct=3)
    ),
    "default shared keyed": FAMILY["keyed"]._replace(
        make=lambda: KeyedModel(
            RNNRegressor(**SMALL, head="linear_skip"), key="id", weights="shared", max_keys=2
        )
    ),
    "default keyed": FAMILY["keyed"]._replace(
        make=lambda: KeyedModel(RNNRegressor(**SMALL), key="id", max_keys=2)
    ),
}


def answers(member, model, start, stop):
    """Ask and tell a model of samples; return what it said."""
    said = []
    for i in range(start, stop):
        said.append(member.ask(model, i))
        member.learn(model, i)
    return said
