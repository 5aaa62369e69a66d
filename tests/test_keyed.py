"""One model a key: the bits of estimators of their own, wherever the models are."""

import copy
import math
import pickle
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import member_of, model_bytes
from river import evaluate, metrics, optim, stream

from streamrnn import KeyedModel, RNNClassifier, RNNRegressor

SMALL = {"hidden_size": 4, "truncation": 4}
NAMES = ["a", "b"]
ROWS = 300


@pytest.fixture
def rows(rng):
    keys = [f"sensor {i}" for i in rng.integers(0, 6, ROWS)]
    X = rng.normal(size=(ROWS, 2))
    return keys, X, X[:, 0] + 0.1 * rng.normal(size=ROWS)


def labels_of(y):
    """Labels of which the third comes late."""
    return [("low" if v < 0 else "high") if i < 200 else int(v > 0) for i, v in enumerate(y)]


def samples(keys, X):
    rows = zip(keys, X.tolist(), strict=True)
    return [{"id": key, **dict(zip(NAMES, x, strict=True))} for key, x in rows]


def loop(model, keys, X, y):
    predictions = []
    for x, target in zip(samples(keys, X), y, strict=True):
        predictions.append(model.predict_one(x))
        model.learn_one(x, target)
    return predictions


def keyed(kind=RNNRegressor, **arguments):
    model = member_of(arguments.get("weights"), kind, **SMALL)
    return KeyedModel(model, key="id", **arguments)


def test_each_key_learns_as_an_estimator_of_its_own(rows):
    keys, X, y = rows
    model = keyed()
    predictions = loop(model, keys, X, y)
    for key in set(keys):
        single = RNNRegressor(**SMALL)
        for i in (i for i in range(ROWS) if keys[i] == key):
            x = dict(zip(NAMES, X[i].tolist(), strict=True))
            assert single.predict_one(x) == predictions[i]
            single.learn_one(x, y[i])
        assert model_bytes(model.extract(key)) == model_bytes(single)
    assert list(model) == sorted(set(keys), key=lambda key: ROWS - keys[::-1].index(key))


@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
@pytest.mark.parametrize(
    "limits", [{}, {"max_keys": 2}, {"ttl": 8}, {"ttl": 8, "max_keys": 2}, {"n_threads": 3}]
)
def test_a_block_is_the_loop(kind, limits, rows):
    keys, X, y = rows
    y = labels_of(y) if kind is RNNClassifier else y
    one, block = keyed(kind, **limits), keyed(kind, **limits)
    expected = loop(one, keys, X, y)
    cut = 170
    got = [
        *block.replay(keys[:cut], X[:cut], y[:cut], features=NAMES),
        *block.replay(keys[cut:], X[cut:], y[cut:], features=NAMES),
    ]
    assert got == expected
    assert block.counters == one.counters
    assert set(block) == set(one)
    for key in one:
        assert model_bytes(block.extract(key)) == model_bytes(one.extract(key))


def test_the_disk_changes_nothing(rows, tmp_path):
    """Including models that went to disk before there were as many features or labels."""
    keys, X, y = rows
    answers = []
    for max_keys in (None, 1):
        model = keyed(RNNClassifier, max_keys=max_keys, spill_dir=tmp_path)
        answers.append(loop(model, keys, X, labels_of(y)))
        for i, x in enumerate(samples(keys[:40], X[:40])):
            answers[-1].append(model.predict_proba_one(x))
            model.learn_one({**x, f"new {i % 3}": 1.0}, "another" if i > 20 else "low")
        answers[-1].append({key: model_bytes(model.extract(key)) for key in sorted(model)})
    assert answers[0] == answers[1]
    assert model.counters["resident"] == 1
    assert model.counters["spilled"] == 5


def test_memory_is_bounded(rng):
    model = keyed(max_keys=10)
    bank = model._bank
    model.learn_one({"id": 0, "a": 1.0}, 1.0)
    for i in range(500):
        model.learn_one({"id": i, "a": 1.0}, 1.0)
    assert bank._n_slots <= 10 + 2
    assert model.counters == {
        "samples": 501, "keys": 500, "resident": 10, "spilled": 490, "expired": 0
    }  # fmt: skip
    assert list(model)[-10:] == list(range(490, 500))


def test_predicting_changes_nothing(rows):
    keys, X, y = rows
    model = keyed(max_keys=2, ttl=40)
    loop(model, keys, X, y)
    before = pickle.dumps(model)
    for key in [*sorted(set(keys)), "unheard of"]:
        model.predict_one({"id": key, "a": 1.0, "c": 2.0})
    assert pickle.dumps(model) == before
    assert "unheard of" not in model


def test_a_new_key_is_answered_as_a_new_model_would(rows):
    keys, X, y = rows
    model = keyed(RNNClassifier)
    assert model.predict_one({"id": "x", "a": 1.0}) is None
    loop(model, keys, X, labels_of(y))
    probabilities = model.predict_proba_one({"id": "x", "a": 1.0})
    assert set(probabilities.values()) == {1 / len(probabilities)}


def test_a_key_expires_after_so_many_samples():
    model = keyed(ttl=3)
    model.learn_one({"id": "a", "a": 1.0}, 5.0)
    for _ in range(3):
        assert model.predict_one({"id": "a"}) == 5.0
        model.learn_one({"id": "b", "a": 1.0}, 1.0)
    assert model.predict_one({"id": "a"}) == 0.0
    assert list(model) == ["a", "b"], "seen three samples ago is not longer than three"
    model.learn_one({"id": "b", "a": 1.0}, 1.0)
    assert list(model) == ["b"]
    assert model.counters["expired"] == 1


@pytest.mark.parametrize("whole", [False, True])
def test_a_key_expires_by_time(whole):
    start = datetime(2026, 1, 1)
    times = [start + timedelta(minutes=m) for m in (0, 9, 30, 31, 60)]
    keys = ["a", "a", "b", "a", "b"]
    model = keyed(ttl=timedelta(minutes=20), time="at")
    if whole:
        frame = pd.DataFrame({"id": keys, "at": times, "a": 1.0})
        model.replay(None, frame, [1.0] * 5)
    else:
        for key, time in zip(keys, times, strict=True):
            x = {"id": key, "at": time, "a": 1.0}
            model.predict_one(x)
            model.learn_one(x, 1.0)
    assert list(model) == ["b"]
    # a: once on coming back, once at the end; b on coming back.
    assert model.counters["expired"] == 3
    assert model.extract("b").counters["samples"] == 1


@pytest.mark.parametrize("limits", [{}, {"max_keys": 2}, {"weights": "shared"}])
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_a_copy_goes_on_alike_and_apart(limits, copied, rows):
    keys, X, y = rows
    model = keyed(**limits)
    loop(model, keys[:200], X[:200], y[:200])
    other = copied(model)
    before = pickle.dumps(model)
    rest = loop(other, keys[200:], X[200:], y[200:])
    assert pickle.dumps(model) == before
    assert loop(model, keys[200:], X[200:], y[200:]) == rest


def test_schedules_follow_each_keys_own_updates(rows):
    keys, X, y = rows
    schedule = optim.schedulers.InverseScaling(0.1, power=0.5)
    arguments = {"optimizer": "sgd", "lr": schedule, **SMALL}
    one, block = (KeyedModel(RNNRegressor(**arguments), key="id") for _ in range(2))
    assert block.replay(keys, X, y, features=NAMES).tolist() == loop(one, keys, X, y)


def test_in_rivers_hands(rows):
    keys, X, y = rows
    model = keyed()
    score = evaluate.progressive_val_score(
        zip(samples(keys, X), y.tolist(), strict=True), model, metrics.MAE()
    )
    assert 0 < score.get() < 1.0
    accuracy = evaluate.progressive_val_score(
        zip(samples(keys, X), labels_of(y), strict=True), keyed(RNNClassifier), metrics.Accuracy()
    )
    assert 0 < accuracy.get() < 1
    fresh = model.clone()
    assert len(fresh) == 0
    assert fresh.predict_one({"id": "a"}) == 0.0
    assert model._get_params().keys() == fresh._get_params().keys()


def test_a_function_tells_the_key():
    model = KeyedModel(RNNRegressor(**SMALL), key=lambda x: (x["site"], x["room"]))
    model.learn_one({"site": 1, "room": 2, "a": 1.0}, 1.0)
    assert list(model) == [(1, 2)]
    assert model.extract((1, 2)).feature_names == ["a", "room", "site"]


def test_forgetting_a_key(rows):
    keys, X, y = rows
    model = keyed(max_keys=2)
    loop(model, keys, X, y)
    for key in list(model):
        model.forget(key)
        assert key not in model
    model.forget("never heard of")
    assert len(model) == 0
    assert bool(model)
    with pytest.raises(KeyError):
        model.extract(keys[0])


BAD = [
    ({"a": 1.0}, 1.0, ValueError, "'id'"),
    ({"id": None, "a": 1.0}, 1.0, ValueError, "'id'"),
    ({"id": math.nan, "a": 1.0}, 1.0, ValueError, "missing"),
    ({"id": [1], "a": 1.0}, 1.0, TypeError, "hashable"),
    ({"id": "new", "a": "text"}, 1.0, TypeError, "'a'"),
    ({"id": "new", "a": 1.0}, "text", TypeError, "target"),
    ({"id": "sensor 1", "a": "text"}, 1.0, TypeError, "'a'"),
]


@pytest.mark.parametrize(("x", "y", "error", "message"), BAD)
def test_bad_samples_change_nothing(x, y, error, message, rows):
    model = keyed(max_keys=2, ttl=50)
    loop(model, *rows)
    before = pickle.dumps(model)
    with pytest.raises(error, match=message):
        model.learn_one(x, y)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda k, X, y: ([None, *k[1:]], X, y), ValueError, "key is missing"),
        (lambda k, X, y: (k[1:], X, y), ValueError, "rows"),
        (lambda k, X, y: (None, X, y), ValueError, "keys="),
        (lambda k, X, y: (k, X, [*y[:-1], "text"]), TypeError, "target"),
    ],
)
def test_bad_blocks_change_nothing(change, error, message, rows):
    keys, X, y = rows
    model = keyed(max_keys=2)
    loop(model, keys, X, y)
    before = pickle.dumps(model)
    with pytest.raises(error, match=message):
        model.replay(*change(keys, X, y.tolist()), features=NAMES)
    assert pickle.dumps(model) == before


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_keys": 0}, ValueError, "max_keys"),
        ({"n_threads": 1.5}, TypeError, "n_threads"),
        ({"n_threads": 10**9}, ValueError, "n_threads must be .* at most 4096"),
        ({"ttl": -1}, ValueError, "ttl"),
        ({"ttl": timedelta(1)}, ValueError, "time="),
        ({"weights": "common"}, ValueError, "weights"),
        ({"key": {"a"}}, TypeError, "key"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        KeyedModel(RNNRegressor(**SMALL), **{"key": "id", **arguments})


def test_only_recurrent_estimators():
    from river import linear_model

    with pytest.raises(TypeError, match="RNNRegressor"):
        KeyedModel(linear_model.LinearRegression(), key="id")


def test_a_full_disk_loses_nothing(rows, monkeypatch):
    keys, X, y = rows
    model = keyed(max_keys=3)
    loop(model, keys[:100], X[:100], y[:100])
    expected = keyed(max_keys=3)
    loop(expected, keys[:100], X[:100], y[:100])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("streamrnn.spill._File.write", full)
    with pytest.raises(OSError, match="stays in memory"):
        model.learn_one({"id": "one more", "a": 1.0, "b": 1.0}, 1.0)
    monkeypatch.undo()
    assert "one more" not in model
    assert loop(model, keys[100:], X[100:], y[100:]) == loop(expected, keys[100:], X[100:], y[100:])


def test_river_streams_go_through(tmp_path):
    frame = pd.DataFrame({"id": ["a", "b"] * 20, "a": np.arange(40.0), "y": np.arange(40.0)})
    frame.to_csv(tmp_path / "s.csv", index=False)
    rows = stream.iter_csv(str(tmp_path / "s.csv"), target="y", converters={"a": float, "y": float})
    one, block = keyed(), keyed()
    expected = []
    for x, y in rows:
        expected.append(one.predict_one(x))
        one.learn_one(x, y)
    assert block.replay(None, frame[["id", "a"]], frame["y"]).tolist() == expected
