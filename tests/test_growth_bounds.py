"""Features and outputs may come without end: what a model takes of them is bounded."""

import math
import warnings

import numpy as np
import pytest
from estimator_helpers import SMALL, model_bytes

from streamrnn import (
    KeyedModel,
    RNNAnomalyDetector,
    RNNClassifier,
    RNNMultiLabelClassifier,
    RNNMultiTargetRegressor,
    RNNRegressor,
)


def test_features_beyond_the_limit_are_passed_over_with_one_warning():
    model = RNNRegressor(**SMALL, max_features=2)
    model.learn_one({"a": 1.0}, 1.0)
    with pytest.warns(UserWarning, match=r"feature 'c' is passed over: max_features=2 is reached"):
        model.learn_one({"a": 2.0, "b": 1.0, "c": 3.0}, 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.learn_one({"a": 2.0, "d": 1.0, "e": 3.0}, 2.0)
        model.predict_one({"f": 1.0})
    assert model.feature_names == ["a", "b"]
    assert model._model.sizes.n_inputs == 2


def test_the_limit_holds_in_blocks_too(rng):
    X, y = rng.normal(size=(20, 5)), rng.normal(size=20)
    looped, replayed = (RNNRegressor(**SMALL, max_features=3) for _ in range(2))
    expected = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row, target in zip(X, y, strict=True):
            x = dict(zip("edcba", row, strict=True))
            expected.append(looped.predict_one(x))
            looped.learn_one(x, target)
        got = replayed.replay(X, y, features=list("edcba"))
    assert got.tolist() == expected
    assert replayed.feature_names == ["a", "b", "c"]
    assert model_bytes(looped) == model_bytes(replayed)


def test_labels_beyond_the_limit_are_unknown():
    looped, replayed = (RNNClassifier(**SMALL, max_classes=2) for _ in range(2))
    labels = ["a", "b", "c", "a", "c", "b"]
    X = np.arange(6.0).reshape(-1, 1)
    for t, label in enumerate(labels):
        x = {0: X[t, 0]}
        if t != 2:
            looped.learn_one(x, label)
            continue
        with pytest.warns(UserWarning, match=r"label 'c' is not learnt: max_classes=2 is reached"):
            looped.learn_one(x, label)
    with pytest.warns(UserWarning, match="label 'c' is not learnt"):
        replayed.replay(X, labels)
    assert looped.labels == replayed.labels == ["a", "b"]
    assert looped.counters["missing_targets"] == 2
    assert model_bytes(looped) == model_bytes(replayed)


@pytest.mark.parametrize(
    ("model", "first", "second"),
    [
        (RNNMultiTargetRegressor(**SMALL, max_targets=1), {"a": 1.0}, {"a": 2.0, "b": 1.0}),
        (RNNMultiLabelClassifier(**SMALL, max_labels=1), {"a": True}, {"a": False, "b": True}),
    ],
    ids=["targets", "labels"],
)
def test_named_outputs_are_bounded(model, first, second):
    model.learn_one({"x": 1.0}, first)
    with pytest.warns(UserWarning, match=r"'b' is not learnt: max_\w+=1 is reached"):
        model.learn_one({"x": 2.0}, second)
    assert model.predict_one({"x": 1.0}).keys() == {"a"}


def test_an_anomaly_detector_is_bounded_by_features():
    model = RNNAnomalyDetector(**SMALL, max_features=1)
    model.learn_one({"a": 1.0})
    with pytest.warns(UserWarning, match=r"feature 'b' is not learnt: max_features=1 is reached"):
        model.learn_one({"a": 1.0, "b": 1.0})
    assert model.feature_names == ["a"]


def test_the_limit_holds_for_keys():
    model = KeyedModel(RNNRegressor(**SMALL, max_features=1), key="k")
    with pytest.warns(UserWarning, match="max_features=1"):
        model.learn_one({"k": 1, "a": 1.0, "b": 2.0}, 1.0)
    assert model.extract(1).feature_names == ["a"]


@pytest.mark.parametrize("limit", [0, -1, 1.5, math.nan])
def test_limits_are_checked(limit):
    with pytest.raises((TypeError, ValueError), match="max_features must be"):
        RNNRegressor(**SMALL, max_features=limit)
