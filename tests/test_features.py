"""Features: their order, their coming and going, and what is no number."""

import datetime as dt
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import SMALL, model_bytes, plain

from streamrnn import RNNRegressor, gradients


def test_the_order_of_features_is_no_matter(stream):
    one, other = RNNRegressor(**SMALL), RNNRegressor(**SMALL)
    for x, y in stream:
        one.learn_one(x, y)
        other.learn_one(dict(reversed(x.items())), y)
    assert model_bytes(one) == model_bytes(other)


def test_a_new_feature_keeps_what_was_learnt(stream):
    model = RNNRegressor(**SMALL)
    for x, y in stream:
        model.learn_one({"b": x["b"]}, y)
    before, prediction = model.get_weights(), model.predict_one({"b": 0.5})
    model.learn_one({"b": 0.1, "a": 3.0, "z": 1.0}, None)
    after = model.get_weights()
    assert model.feature_names == ["b", "a", "z"]
    assert (after["weight_ih_l0"][:, 0] == before["weight_ih_l0"][:, 0]).all()
    assert (after["weight_hh_l0"] == before["weight_hh_l0"]).all()
    assert (after["weight_ih_l0"][:, 1:] != 0).any()
    assert math.isfinite(prediction)


@pytest.mark.parametrize("activations", gradients.registry())
def test_a_feature_that_never_comes_changes_nothing(stream, activations):
    """A column that is grown in mid-window and stays missing leaves predictions as they were."""
    usual = RNNRegressor(**SMALL, activations=activations, clip_norm=None)
    grown = RNNRegressor(**SMALL, activations=activations, clip_norm=None)
    for t, (x, y) in enumerate(stream):
        usual.learn_one(x, y)
        grown.learn_one({**x, "ghost": None} if t == 12 else x, y)
        assert grown.predict_one(x) == pytest.approx(usual.predict_one(x), rel=1e-4)
    assert grown.counters["missing_values"] == len(stream) - 12


@pytest.mark.parametrize("gap", [None, math.nan, math.inf, pd.NA, np.float32("nan")])
def test_gaps_are_counted_and_never_reach_a_weight(stream, gap):
    model = RNNRegressor(**SMALL)
    for t, (x, y) in enumerate(stream):
        model.learn_one({**x, "a": gap} if t % 2 else x, y)
    assert model.counters["missing_values"] == len(stream) // 2
    assert all(np.isfinite(array).all() for array in model.get_weights().values())


def test_numbers_of_other_types_are_numbers(stream):
    from decimal import Decimal
    from fractions import Fraction

    usual, odd = RNNRegressor(**SMALL), RNNRegressor(**SMALL)
    usual.learn_one({"a": 1.0, "b": 0.5, "c": 1.0, "d": 2.0}, 1.0)
    odd.learn_one({"a": True, "b": Fraction(1, 2), "c": Decimal(1), "d": np.int8(2)}, np.float32(1))
    assert model_bytes(usual) == model_bytes(odd)


@pytest.mark.parametrize("value", ["NW", b"x", dt.datetime(2026, 1, 1), [1.0], {}])
def test_what_is_no_number_is_refused_and_loses_nothing(case, value):
    model, stream = case
    for x, y in stream[:5]:
        model.learn_one(x, y)
    before = pickle.dumps(model)
    for bad in ({"a": value}, {**stream[0][0], "wind": value}):
        with pytest.raises(TypeError, match=r"feature '(a|wind)' is .*, not a number; \w+ "):
            model.learn_one(bad, stream[0][1])
        assert pickle.dumps(model) == before
    with pytest.raises(TypeError, match="feature 'a'"):
        model.predict_one({"a": value})
    with pytest.raises(TypeError, match=r"the target is|label"):
        model.learn_one(stream[0][0], [1.0])
    assert pickle.dumps(model) == before


def test_empty_samples_are_samples(case):
    model, stream = case
    model.predict_one({})
    model.learn_one({}, stream[0][1])
    for x, y in stream:
        model.learn_one(x, y)
        model.learn_one({}, y)
    assert model.counters["samples"] == 2 * len(stream) + 1


def test_extreme_streams_keep_everything_finite():
    rng = np.random.default_rng(3)
    for scale, shift, spike in ((1e6, 0, 0), (1, 1e6, 0), (1, 0, 1e9), (0, 5, 0), (1e-9, 0, 0)):
        X = rng.normal(size=(400, 3)) * scale + shift
        y = X.sum(axis=1)
        if spike:
            X[::50], y[::50] = spike, spike
        X[rng.random(X.shape) < 0.3] = math.nan
        for cell in ("lstm", "rnn_relu"):
            model = RNNRegressor(**SMALL, cell=cell)
            assert np.isfinite(model.replay(X, y)).all()
            assert all(np.isfinite(array).all() for array in model.get_weights().values())


def test_an_exploding_state_is_reset_and_counted():
    model = plain(
        RNNRegressor,
        hidden_size=2,
        truncation=3,
        cell="rnn_relu",
        scale_inputs=False,
        init="torch",
        lr=0.0,
    )
    weights = plain(RNNRegressor, hidden_size=2, cell="rnn_relu").get_weights()
    weights["weight_ih_l0"] = np.ones((2, 1))
    weights["weight_hh_l0"] = np.full((2, 2), 1e9)
    model.set_weights(weights, features=["a"])
    for _ in range(20):
        model.learn_one({"a": 1.0}, 1.0)
        assert np.isfinite(model._model.parts.state).all()
    assert model.counters["state_resets"] > 0
    assert math.isfinite(model.predict_one({"a": 1.0}))


def test_a_gradient_that_is_not_finite_is_skipped():
    model = plain(
        RNNRegressor,
        hidden_size=2,
        truncation=3,
        scale_inputs=False,
        scale_target=False,
        init="torch",
    )
    model.learn_one({"a": 1.0}, 1.0)
    weights = model.get_weights()
    weights["head.weight"] = np.full((1, 2), 1e38)
    model.set_weights(weights)
    model.learn_one({"a": 1.0}, 1e9)
    assert model.counters["skipped"] == 1
    assert model.counters["updates"] == 1
    assert (model.get_weights()["head.weight"] == np.float32(1e38)).all()
