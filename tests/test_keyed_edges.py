"""What goes wrong around a KeyedModel: times, names, threads, failures half-way."""

import math
import pickle
import threading
from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import SMALL, member_of, model_bytes
from river import drift, preprocessing

from streamrnn import KeyedModel, RNNClassifier, RNNRegressor
from streamrnn.backends import helpers

NAMES = ["a", "b"]


def block(rng, n_keys, n_rows):
    keys = rng.integers(0, n_keys, n_rows).tolist()
    X = rng.normal(size=(n_rows, 2))
    return keys, X, X[:, 0] * X[:, 1]


class Falling:
    """A schedule that turns into nonsense."""

    def __init__(self, good):
        self.good = good

    def get(self, t):
        return 0.01 if t < self.good else -1.0


@pytest.mark.parametrize("weights", ["own", "shared"])
def test_a_failure_in_threads_ends_the_block(weights, rng, monkeypatch):
    monkeypatch.setattr("streamrnn.bank._WORK_FOR_THREADS", 0)
    keys, X, y = block(rng, 64, 3000)
    estimator = member_of(weights, RNNRegressor, optimizer="sgd", lr=Falling(20), **SMALL)
    model = KeyedModel(estimator, "id", n_threads=2, weights=weights)
    answer = []

    def learn():
        with pytest.raises(ValueError, match="lr"):
            model.replay(keys, X, y, features=NAMES)
        answer.append(True)

    learner = threading.Thread(target=learn, daemon=True)
    learner.start()
    learner.join(60)
    assert answer, "it hangs"
    assert len(model) == 64


@pytest.mark.parametrize("weights", ["own", "shared"])
def test_a_new_label_within_a_block(weights, rng):
    """What is predicted just before a label's first sample is what `predict_one` says."""
    keys, X, _ = block(rng, 4, 120)
    y = [["low", "high", 3][min(i // 40, 2)] for i in range(120)]
    model = KeyedModel(RNNClassifier(**SMALL), "id", weights=weights)
    for start in (0, 40, 80):
        rows = slice(start, start + 20)
        model.replay(keys[rows], X[rows], y[rows], features=NAMES)
        rows = slice(start + 20, start + 40)
        model.replay(keys[rows], X[rows], y[rows], features=NAMES)
        new = start + 40
        if new < 120:
            x = {"id": keys[new], **dict(zip(NAMES, X[new].tolist(), strict=True))}
            expected = model.predict_one(x)
            part = slice(new, new + 1)
            copied = pickle.loads(pickle.dumps(model))
            assert copied.replay(keys[part], X[part], y[part], features=NAMES)[0] == expected
            assert copied.predict_proba_one(x).keys() > model.predict_proba_one(x).keys()


@pytest.mark.parametrize("weights", ["own", "shared"])
def test_addresses_follow_growth_and_copies(weights, rng):
    keys, X, y = block(rng, 3, 60)
    model = KeyedModel(member_of(weights, RNNRegressor, **SMALL), "id", weights=weights)
    model.replay(keys, X, y, features=NAMES)
    for other in (model, pickle.loads(pickle.dumps(model))):
        bank = other._bank
        bank.select(bank.slot)
        expected = bank._address.copy()
        bank._lay_out()
        np.testing.assert_array_equal(bank._address[0, :3], expected[0, :3])


def test_growth_that_fails_changes_nothing(rng, monkeypatch):
    keys, X, y = block(rng, 3, 60)
    single = RNNRegressor(**SMALL)
    single.replay(X, y, features=NAMES)
    for model in (single, KeyedModel(RNNRegressor(**SMALL), "id")):
        if model is not single:
            model.replay(keys, X, y, features=NAMES)
        before = pickle.dumps(model)

        def fail(*_):
            raise MemoryError

        with monkeypatch.context() as patch:
            patch.setattr("streamrnn.running.workspace_size", fail)
            with pytest.raises(MemoryError):
                model.learn_one({"id": 1, "a": 1.0, "new": 2.0}, 1.0)
        assert pickle.dumps(model) == before
        model.predict_one({"id": 1, "a": 1.0, "b": 1.0})
        model.learn_one({"id": 1, "a": 1.0, "b": 1.0}, 1.0)


def test_a_sample_like_the_one_before_is_another_one():
    """A number equal to the one predicted with is not that number."""
    looked, blind = RNNRegressor(**SMALL), RNNRegressor(**SMALL)
    for model in (looked, blind):
        model.learn_one({"a": 1.0, "b": 2.0}, 1.0)
    looked.predict_one({"a": 0.1, "b": 16777217})
    for model in (looked, blind):
        model.learn_one({"a": np.float32(0.1), "b": np.float32(16777216)}, 1.0)
    assert model_bytes(looked) == model_bytes(blind)
    looked.predict_one({"a": 0.5, "b": 1.0})
    with pytest.raises(TypeError):
        looked.learn_one({"a": 0.5 + 0j, "b": 1.0}, 1.0)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ttl", "time", "error"),
    [
        (3600, datetime(2026, 1, 1), TypeError),
        (HOUR, 7.0, TypeError),
        (10, "noon", TypeError),
        (10, math.nan, ValueError),
        (10, None, ValueError),
        (HOUR, np.datetime64("NaT"), ValueError),
    ],
)
def test_bad_times_change_nothing(ttl, time, error):
    model = KeyedModel(RNNRegressor(**SMALL), "id", ttl=ttl, time="at")
    before = pickle.dumps(model)
    with pytest.raises(error, match="time"):
        model.learn_one({"id": 1, "at": time, "a": 1.0}, 1.0)
    with pytest.raises(error, match="time"):
        model.replay([1, 2], np.zeros((2, 1)), [1.0, 2.0], times=[time, time])
    assert pickle.dumps(model) == before


def test_numpys_times(rng):
    start = np.datetime64("2026-01-01T00:00", "ns")
    times = start + np.arange(4) * np.timedelta64(40, "m")
    model = KeyedModel(RNNRegressor(**SMALL), "id", ttl=HOUR, time="at")
    model.replay([1, 2, 2, 1], np.zeros((4, 1)), np.zeros(4), times=times)
    assert model.counters["expired"] == 1


@pytest.mark.parametrize("times", [[0, 100, 5, 6], [50, 40, 61, 30]])
def test_time_never_runs_back(times):
    models = [KeyedModel(RNNRegressor(**SMALL), "id", ttl=10, time="at") for _ in range(2)]
    keys, X, y = ["a", "b", "a", "b"], np.ones((4, 1)), [3.0, 1.0, 2.0, 4.0]
    predictions = []
    for key, time, target in zip(keys, times, y, strict=True):
        x = {"id": key, "at": time, "v": 1.0}
        predictions.append(models[0].predict_one(x))
        models[0].learn_one(x, target)
    assert models[1].replay(keys, X, y, features=["v"], times=times).tolist() == predictions
    assert models[0].counters == models[1].counters


def test_the_key_is_no_feature(rng):
    model = KeyedModel(RNNRegressor(**SMALL), "id")
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match="'id'"):
        model.replay([1, 2], np.zeros((2, 2)), [1.0, 2.0], features=["q", "id"])
    assert pickle.dumps(model) == before
    sample = defaultdict(float, a=1.0)
    with pytest.raises(ValueError, match="'id'"):
        model.learn_one(sample, 1.0)
    assert dict(sample) == {"a": 1.0}
    model.learn_one({"id": "k", "a": 1.0}, 1.0)
    alone = model.extract("k")
    alone.learn_one({"id": "k", "a": 1.0}, 1.0)
    assert alone.feature_names == ["a"]


def test_a_block_that_fails_leaves_what_it_learnt(rng, monkeypatch):
    """Keys that were learnt before the disk refused are known, and expire in time."""
    model = KeyedModel(RNNRegressor(**SMALL), "id", max_keys=2, ttl=5)
    puts = []
    put = type(model._population.roster)._evict

    def refuse(roster, n):
        puts.append(n)
        if len(puts) > 2:
            raise OSError(28, "No space left on device")
        put(roster, n)

    monkeypatch.setattr(type(model._population.roster), "_evict", refuse)
    with pytest.raises(OSError, match="space"):
        model.replay(list("abcdef"), np.ones((6, 1)), np.ones(6), features=["v"])
    monkeypatch.undo()
    assert set(model) == set("abcd")
    for _ in range(12):
        model.learn_one({"id": "z", "v": 1.0}, 1.0)
    assert set(model) == {"z"}


def test_no_more_threads(monkeypatch):
    """A helper that cannot be started is done without."""
    monkeypatch.setenv(helpers.THREADS_VARIABLE, "2")
    helpers.helpers_of.cache_clear()
    model = RNNRegressor(hidden_size=256, truncation=2)

    def refuse(self):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        model.learn_one({"a": 1.0, "b": 2.0}, 1.0)
    model.learn_one({"a": 1.0, "b": 2.0}, 1.0)
    assert model.counters["samples"] == 2
    helpers.helpers_of.cache_clear()


def test_several_features_tell_the_key():
    model = KeyedModel(RNNRegressor(**SMALL), key=["site", "room"])
    for t in range(6):
        model.learn_one({"site": "n", "room": t % 3, "v": 1.0}, float(t % 3))
    assert set(model) == {("n", 0), ("n", 1), ("n", 2)}
    assert model.extract(("n", 1)).feature_names == ["v"]
    frame = pd.DataFrame({"site": "n", "room": [0, 1, 2, 3], "v": 1.0})
    answers = [model.predict_one(x) for x in frame.to_dict("records")]
    assert model.replay(None, frame, [1.0] * 4).tolist() == answers
    with pytest.raises(ValueError, match="'room'"):
        model.learn_one({"site": "n", "v": 1.0}, 1.0)


def test_a_bad_key_in_a_block_is_told_by_its_row():
    model = KeyedModel(RNNRegressor(**SMALL), "id")
    for bad in (None, math.nan):
        with pytest.raises(ValueError, match="row 1: a key is missing"):
            model.replay(["a", bad, "b"], np.zeros((3, 1)), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="one for each row"):
        model.replay("id", pd.DataFrame({"id": [1], "v": [1.0]}), [1.0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"key": None}, ValueError, "key"),
        ({"key": []}, ValueError, "key"),
        ({"key": [["a"]]}, TypeError, "key"),
        ({"ttl": 0}, ValueError, "ttl"),
        ({"ttl": "1h"}, TypeError, "timedelta"),
        ({"ttl": np.timedelta64(1, "h")}, TypeError, "timedelta"),
        ({"model": preprocessing.StandardScaler() | RNNRegressor()}, TypeError, "around"),
        (
            {"model": RNNRegressor(drift_detector=drift.ADWIN())},
            ValueError,
            "^model has a drift_detector, a ADWIN, which watches one stream; .* many$",
        ),
    ],
)
def test_what_newcomers_would_try(arguments, error, message):
    with pytest.raises(error, match=message):
        KeyedModel(**{"model": RNNRegressor(**SMALL), "key": "id", **arguments})
