"""Estimators with a clip and a memory: arguments, files, keys; `test_scaling` has the numbers."""

import math

import numpy as np
import pytest
from estimator_helpers import SMALL, plain
from family import FAMILY, answers

import streamrnn
from streamrnn import KeyedModel, RNNRegressor

ROBUST = {"scale_clip": 1.1, "scale_memory": 8}


def robust(name, **arguments):
    """A member of the family with these arguments."""
    model = FAMILY[name].make()
    keyed = isinstance(model, KeyedModel)
    return model.clone({"model": model.model.clone(arguments)} if keyed else arguments)


@pytest.mark.parametrize("name", FAMILY)
def test_every_estimator_takes_them_and_goes_on_from_its_file(name):
    member = FAMILY[name]
    off = answers(member, robust(name, scale_clip=None, scale_memory=None), 0, 40)
    for word, value in ROBUST.items():
        assert answers(member, robust(name, **{word: value}), 0, 40) != off, word
    model, whole = robust(name, **ROBUST), robust(name, **ROBUST)
    first = answers(member, model, 0, 20)
    loaded = streamrnn.from_bytes(model.to_bytes())
    inner = getattr(loaded, "model", loaded)
    assert (inner.scale_clip, inner.scale_memory) == (1.1, 8)
    assert first + answers(member, loaded, 20, 40) == answers(member, whole, 0, 40)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"scale_clip": 1.0}, ValueError, "scale_clip must be finite and more than 1, got 1.0"),
        (
            {"scale_clip": math.inf},
            ValueError,
            "scale_clip must be finite and more than 1, got inf",
        ),
        ({"scale_clip": "3"}, TypeError, "scale_clip must be a number, got '3'"),
        ({"scale_memory": 1}, ValueError, "scale_memory must be at least 2, got 1"),
        ({"scale_memory": 99.5}, TypeError, "scale_memory must be an integer, got 99.5"),
        (
            {"scale_memory": 10**15},
            ValueError,
            r"scale_memory must be finite and at least 2 and at most 1e\+12",
        ),
    ],
)
@pytest.mark.parametrize("name", ["regressor", "classifier", "anomaly detector"])
def test_wrong_ones_are_named(name, arguments, error, message):
    with pytest.raises(error, match=message):
        robust(name, **arguments)


def test_where_nothing_is_scaled_nothing_is_clipped(rng):
    raw = {"scale_inputs": False, "scale_target": False}
    one, other = (plain(RNNRegressor, **SMALL, **raw, **more) for more in ({}, ROBUST))
    X, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    X[30], y[40] = 50.0, 50.0
    assert (one.replay(X, y) == other.replay(X, y)).all()


@pytest.mark.parametrize("weights", ["own", "shared"])
def test_each_key_has_moments_of_its_own(weights, rng):
    """Streams of other levels and spreads are alike to their models, spikes and all."""
    model = plain(RNNRegressor, **SMALL, **ROBUST, dtype="float64")
    keyed = KeyedModel(model, "id", weights=weights)
    levels = {"a": (0.0, 1.0), "b": (1e4, 100.0), "c": (-3.0, 1e-3)}
    for x in ({"id": key, "x": level} for key, (level, _) in levels.items()):
        keyed.learn_one(x, x["x"])  # nothing is known of a level before
    for value in (*rng.normal(size=40), 1e7, *rng.normal(size=10)):
        of_keys = []
        for key, (level, spread) in levels.items():
            x = {"id": key, "x": level + spread * value}
            of_keys.append((keyed.predict_one(x) - level) / spread)
            keyed.learn_one(x, level + spread * value)
        if weights == "own":
            np.testing.assert_allclose(of_keys, of_keys[0], rtol=1e-6, atol=1e-6)
        assert np.abs(of_keys).max() < 10
