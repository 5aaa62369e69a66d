"""Weights of heads that read more than the hidden state: seen, taken over, refused."""

import pickle

import numpy as np
import pytest
from estimator_helpers import SMALL
from travel_helpers import PLAIN

from streamrnn import RNNClassifier, RNNMultiTargetRegressor, RNNRegressor
from streamrnn.heads import RLS

COLUMNS = 2 + 1 + 2 + 1 + 3  # features, last target, features before, level, last targets


def taught(rng, **more):
    arguments = {"head": RLS(lags=3), "predict_change": True, "lagged_target": True, **more}
    model = RNNRegressor(**SMALL, dtype="float64", **arguments)
    X = rng.normal(size=(60, 2))
    model.replay(X, np.cumsum(X[:, 0]), features=["a", "b"])
    return model


def test_what_least_squares_have_learnt_is_among_the_weights(rng):
    model = taught(rng)
    weights = model.get_weights()
    shapes = {name: array.shape for name, array in weights.items() if name.startswith("head.")}
    assert shapes == {"head.weight": (1, 6), "head.inputs": (1, COLUMNS), "head.bias": (1,)}
    assert all(np.abs(weights[name]).max() > 1e-3 for name in shapes)
    before = pickle.dumps(model)
    for array in weights.values():
        array[:] = 7.0
    assert pickle.dumps(model) == before, "copies"


def test_they_are_what_the_head_reads_with(rng):
    model = taught(rng)
    weights, x = model.get_weights(), {"a": 0.5, "b": -1.0}
    zero = {name: np.zeros_like(array) for name, array in weights.items()}
    last = model.predict_one(x)
    for name in ("head.weight", "head.inputs", "head.bias"):
        model.set_weights({**weights, name: zero[name]})
        assert model.predict_one(x) != last
    model.set_weights(weights)
    assert model.predict_one(x) == last, "no rounding on the way"
    model.set_weights(zero)
    known = model._model.statistics.copy()
    assert model.predict_one(x) == pytest.approx(base(model), rel=1e-12), "no change is foreseen"
    assert (model._model.statistics == known).all()


def base(model):
    """The last target."""
    from streamrnn.statistics import statistics_parts

    return statistics_parts(model._model.sizes, model._model.statistics).change.last[0]


def test_taking_weights_over_makes_the_head_as_uncertain_as_at_first(rng):
    source = taught(rng)
    taken, new = RNNRegressor(**source._get_params()), RNNRegressor(**source._get_params())
    taken.set_weights(source.get_weights(), features=["a", "b"])
    new.learn_one({"a": 0.0, "b": 0.0}, None)
    n = 1 + 6 + COLUMNS
    memory = [model._model.parts.head_memory for model in (taken, new, source)]
    assert (memory[0][n : 4 * n] == memory[1][n : 4 * n]).all(), "scratch and prior"
    assert (memory[0][4 * n :] == memory[1][4 * n :]).all(), "certainty"
    assert (memory[0][:n] == memory[2][:n]).all(), "weights"
    taken.learn_one({"a": 1.0, "b": 0.0}, 1.0)
    source.set_weights(source.get_weights())
    assert (memory[2][n : 4 * n] == memory[1][n : 4 * n]).all()


def test_several_targets_and_labels(rng):
    targets = RNNMultiTargetRegressor(**SMALL, **PLAIN | {"head": "linear_skip"})
    arguments = {"head": RLS(lags=2), "scale_inputs": False, "lagged_target": False}
    labels = RNNClassifier(**SMALL, **arguments)
    for a in rng.normal(size=50):
        targets.learn_one({"a": a}, {"double": 2 * a, "minus": -a})
        labels.learn_one({"a": a}, ["low", "middle", "high"][int(a > -0.5) + int(a > 0.5)])
    assert targets.get_weights()["head.skip"].shape == (2, 1)
    assert labels.get_weights()["head.inputs"].shape == (3, 1 + 1 + 2 * 3)
    again = RNNClassifier(**SMALL, **arguments)
    again.set_weights(labels.get_weights(), features=["a"], labels=labels.labels)
    labels.reset_state()
    assert again.predict_proba_one({"a": 1.0}) == labels.predict_proba_one({"a": 1.0})


def test_weights_of_another_head_are_refused(rng):
    model = taught(rng)
    good, before = model.get_weights(), pickle.dumps(model)
    linear = {name: array for name, array in good.items() if name != "head.inputs"}
    with pytest.raises(ValueError, match=r"missing \['head.inputs'\]"):
        model.set_weights(linear)
    with pytest.raises(ValueError, match=r"'head.inputs'\] is \(1, 4\), the model needs \(1, 9\)"):
        model.set_weights({**good, "head.inputs": np.zeros((1, 4))})
    assert pickle.dumps(model) == before
    other = RNNRegressor(**SMALL, **PLAIN | {"lagged_target": True})
    with pytest.raises(ValueError, match=r"unknown \['head.inputs'\]"):
        other.set_weights(good, features=["a", "b"])
