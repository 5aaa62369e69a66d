"""Features and outputs may come without end: what a model takes of them is bounded."""

import math
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import COPIES, SMALL, model_bytes, refuses
from river import preprocessing

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
    with pytest.warns(UserWarning, match=r"feature 'b' is passed over: max_features=1 is"):
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


# --- the warning


def _bounded():
    """Return calls that meet a name beyond the limit, each on one line."""
    x, X, one = {"a": 1.0, "b": 2.0}, np.ones((3, 2)), {"max_features": 1, **SMALL}
    regressor, piped, replayed = (RNNRegressor(**one) for _ in range(3))
    pipeline = preprocessing.StandardScaler() | piped
    keyed, detector = KeyedModel(RNNRegressor(**one), key="k"), RNNAnomalyDetector(**one)
    classifier = RNNClassifier(**SMALL, max_classes=1)
    targets = RNNMultiTargetRegressor(**SMALL, max_targets=1)
    labels = RNNMultiLabelClassifier(**SMALL, max_labels=1)
    frame = pd.DataFrame([x])
    return {
        "learn_one": lambda: regressor.learn_one(x, 1.0),
        "pipeline": lambda: pipeline.learn_one(x, 1.0),
        "replay": lambda: replayed.replay(X, [1.0, 2.0, 3.0]),
        "keyed": lambda: keyed.learn_one({**x, "k": 7}, 1.0),
        "keyed replay": lambda: keyed.clone().replay([1, 1, 2], X, [1.0, 2.0, 3.0]),
        "detector": lambda: detector.learn_one(x),
        "label in a block": lambda: classifier.replay(X, ["a", "b", "c"]),
        "targets": lambda: targets.learn_one({}, {"a": 1.0, "b": 1.0}),
        "late target": lambda: (targets.predict_one({}, t=1), targets.learn_one({}, x, t=1)),
        "labels": lambda: labels.learn_many(frame, {"a": [True], "b": [False]}),
    }


@pytest.mark.parametrize("name", _bounded())
def test_the_warning_points_to_the_users_line_and_comes_once(name):
    call = _bounded()[name]
    with pytest.warns(UserWarning, match="is reached") as caught:
        call()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert caught[0].lineno == call.__code__.co_firstlineno
    if name != "keyed replay":  # a new clone each time
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            call()


@pytest.mark.parametrize("copied", COPIES)
def test_copies_know_that_it_came(copied):
    model = RNNMultiTargetRegressor(**SMALL, max_features=1, max_targets=1)
    with pytest.warns(UserWarning, match="is reached") as caught:
        model.learn_one({"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 1.0})
    assert len(caught) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        COPIES[copied](model).learn_one({"a": 1.0, "c": 1.0}, {"a": 1.0, "c": 1.0})


@pytest.mark.parametrize("after", [False, True], ids=["before it came", "after it came"])
def test_asking_beyond_the_limit_changes_nothing_and_does_not_warn(after):
    model = RNNMultiTargetRegressor(**SMALL, max_features=1, max_targets=1)
    detector = RNNAnomalyDetector(**SMALL, max_features=1)
    model.learn_one({"a": 1.0}, {"a": 1.0})
    detector.learn_one({"a": 1.0})
    beyond = {"a": 1.0, "b": 2.0}
    if after:
        with pytest.warns(UserWarning, match="is reached"):
            model.learn_one(beyond, beyond)
        with pytest.warns(UserWarning, match="max_features=1 is reached"):
            detector.learn_one(beyond)
    before = pickle.dumps((model, detector))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict_one(beyond)
        model.predict_many(pd.DataFrame([beyond]))
        detector.score_one(beyond)
    assert pickle.dumps((model, detector)) == before


def test_a_refused_sample_does_not_use_the_warning_up():
    model = RNNMultiTargetRegressor(**SMALL, max_features=2, max_targets=2)
    model.learn_one({"a": 1.0}, {"a": 1.0})
    bad, good = {"a": 1.0, "b": "NW", "c": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0}
    frame, x = pd.DataFrame([good]), {"a": 1.0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        refuses(model, lambda: model.learn_one(bad, x), TypeError, "feature 'b'")
        refuses(model, lambda: model.learn_one(bad, good), TypeError, "feature 'b'")
        refuses(model, lambda: model.learn_one(good, bad), TypeError, "target 'b'")
        refuses(model, lambda: model.replay(frame, pd.DataFrame([bad])), TypeError, "target 'b'")
        refuses(model, lambda: model.replay(pd.DataFrame([bad]), frame), TypeError, "feature 'b'")
    with pytest.warns(UserWarning, match="'c'") as caught:
        model.learn_one(good, good)
    assert len(caught) == 2


def test_where_warnings_are_errors_it_is_one_error():
    model = RNNRegressor(**SMALL, max_features=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="feature 'b' is passed over"):
            model.learn_one({"a": 1.0, "b": 2.0}, 1.0)
        model.learn_one({"a": 1.0, "b": 2.0}, 1.0)
    assert model.counters["samples"] == 1


def test_weights_for_more_names_than_the_limits_are_refused():
    source = RNNMultiTargetRegressor(**SMALL)
    source.learn_one({"a": 1.0, "b": 2.0}, {"p": 1.0, "q": 2.0})
    weights, names = source.get_weights(), {"features": ["a", "b"], "targets": ["p", "q"]}
    for limit, what in (("max_features", "features"), ("max_targets", "targets")):
        model = RNNMultiTargetRegressor(**SMALL, **{limit: 1})
        message = f"{what} has 2 names, but {limit}=1"
        refuses(model, lambda m=model: m.set_weights(weights, **names), ValueError, message)
