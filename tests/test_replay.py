"""The block form is the loop, bit for bit."""

import math

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import SMALL, model_bytes
from river import drift

from streamrnn import RNNClassifier, RNNRegressor


@pytest.mark.parametrize("block", [1, 7, 40])
def test_replay_is_the_loop_bit_for_bit(case, block):
    looped, stream = case
    replayed = looped.clone()
    expected = []
    for x, y in stream:
        expected.append(looped.predict_one(x))
        looped.learn_one(x, y)
    got = []
    for start in range(0, len(stream), block):
        rows = stream[start : start + block]
        # Columns in another order than the model's.
        X = np.array([[x["c"], x["a"], x["b"]] for x, _ in rows])
        got.extend(replayed.replay(X, [y for _, y in rows], features=["c", "a", "b"]))
    assert got == expected
    assert model_bytes(looped) == model_bytes(replayed)


def test_replay_with_gaps_and_unscaled_foreign_weights_is_the_loop(stream):
    arguments = {**SMALL, "scale_inputs": False, "scale_target": False, "init": "torch"}
    looped, replayed = RNNRegressor(**arguments), RNNRegressor(**arguments)
    X = np.array([list(x.values()) for x, _ in stream])
    X[3, 1] = X[7:9] = math.nan
    y = [None if t % 5 == 4 else target for t, (_, target) in enumerate(stream)]
    expected = []
    for row, target in zip(X, y, strict=True):
        x = dict(zip("abc", row, strict=True))
        expected.append(looped.predict_one(x))
        looped.learn_one(x, target)
    got = replayed.replay(pd.DataFrame(X, columns=list("abc")), pd.Series(y, dtype=object))
    assert got.tolist() == expected
    assert model_bytes(looped) == model_bytes(replayed)


@pytest.mark.parametrize("action", ["raise_lr", "reset_optimizer", "reset_state"])
def test_replay_acts_on_drift_where_the_loop_does(action):
    """With labels, of which new ones come with the drift."""
    detector = drift.binary.DDM(warm_start=5)
    looped = RNNClassifier(**SMALL, lr=0.05, drift_detector=detector, drift_action=action)
    replayed = looped.clone()
    X = np.array([[t % 2, t % 3] for t in range(240)], float)
    y = [f"{int(a)}" if t < 200 else f"new {t % 7}" for t, (a, _) in enumerate(X)]
    expected = []
    for (a, b), label in zip(X, y, strict=True):
        expected.append(looped.predict_one({"a": a, "b": b}))
        looped.learn_one({"a": a, "b": b}, label)
    assert replayed.replay(X, y, features=["a", "b"]).tolist() == expected
    assert model_bytes(looped) == model_bytes(replayed)
    assert looped.counters == replayed.counters
    assert looped.counters["drifts"] > 0


def test_replay_of_nothing_changes_nothing(case):
    model, _ = case
    before = model_bytes(model)
    assert len(model.replay(np.empty((0, 3)), [], features=["a", "b", "c"])) == 0
    assert model_bytes(model) == before


@pytest.mark.parametrize(
    ("X", "y", "features", "message"),
    [
        (np.zeros((3, 2)), [1, 2], None, "3 rows, but y has 2"),
        (np.zeros((3, 2)), [1, 2, 3], ["a"], "2 columns, but features names 1"),
        (np.zeros((3, 2)), [1, 2, 3], ["a", "a"], "a name twice"),
        (np.zeros(3), [1, 2, 3], None, "shape"),
        (pd.DataFrame({"a": [1.0]}), [1], ["b"], "not columns"),
        (pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), [1], None, "a name twice|unique"),
    ],
)
def test_replay_says_what_does_not_fit(X, y, features, message):
    model = RNNRegressor(**SMALL)
    before = model_bytes(model)
    with pytest.raises(ValueError, match=message):
        model.replay(X, y, features=features)
    assert model_bytes(model) == before


def test_replay_names_the_column_that_is_text():
    frame = pd.DataFrame({"a": [1.0, 2.0], "wind": ["NW", "SE"]})
    with pytest.raises(TypeError, match=r"feature 'wind' is 'NW', a str.*OneHotEncoder"):
        RNNRegressor(**SMALL).replay(frame, [1, 2])
