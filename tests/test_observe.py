"""Going on without learning: targets are known as the last ones, and nothing else changes."""

import math
import pickle

import numpy as np
import pytest
from engine_helpers import bits
from estimator_helpers import SMALL
from family import x_of, y_of
from readout_helpers import Pair
from river import drift
from test_lagged_target import noise
from test_readout_twin import CASES

from streamrnn import (
    KeyedModel,
    RNNClassifier,
    RNNMultiLabelClassifier,
    RNNMultiTargetRegressor,
    RNNRegressor,
    RNNTransformer,
)
from streamrnn.statistics import statistics_parts


def pair(case):
    return Pair(**{"optimizer": "sgd", "lr": 0.02, **CASES[case]})


def learnt(model):
    """The bytes of all that learning changes."""
    parts, kept = model.parts, statistics_parts(model.sizes, model.statistics)
    arrays = [parts.parameters, parts.slots, parts.head_memory, parts.further]
    arrays += [kept.inputs, kept.targets, kept.change.levels, kept.change.fit]
    return [array.tobytes() for array in arrays]


def watch(both, rng, length=30):
    """Observe a stream with gaps and weights of 0, beside the twin; nothing is learnt."""
    before = learnt(both.model)
    for t, (x, noisy) in enumerate(zip(*noise(length, rng), strict=True)):
        x = np.where(rng.random(3) < 0.1, math.nan, x)
        found, expected = both.ask(x)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9, err_msg=str(t))
        both.observe(x, both.encode(noisy), 0.0 if t % 7 == 4 else 1.5)
    assert learnt(both.model) == before


@pytest.mark.interpreted
@pytest.mark.parametrize("case", CASES)
def test_as_the_twin_has_it(case, rng):
    """Before the first sample, amid learning, and what is learnt afterwards."""
    both = pair(case)
    watch(both, rng, 7)
    both.go(rng, 40)
    watch(both, rng)
    both.learn(rng.normal(size=3), None, 1.0)
    both.tell(1, both.encode(np.array([0.3, -0.2])), 1.0)  # an observed step may be learnt late
    both.go(rng, 40)
    both.assert_same()


def test_of_several_losses_the_observed_ones_have_no_gradient(rng):
    both = pair("lstm recomputed, two layers")  # the newest four losses, an update every second
    both.go(rng, 40)
    for _ in range(3):
        both.observe(rng.normal(size=3), both.encode(rng.normal(size=2)), 1.0)
    both.learn(rng.normal(size=3), both.encode(rng.normal(size=2)), 1.0)
    both.assert_same()


# --- estimators


def multi_target(i):
    return {"a": y_of(i), "b": None if i % 3 else -y_of(i)}


KINDS = {
    RNNRegressor: y_of,
    RNNClassifier: lambda i: y_of(i) > 0,
    RNNMultiTargetRegressor: multi_target,
    RNNMultiLabelClassifier: lambda i: {"a": y_of(i) > 0, "b": i % 3 == 0},
}


def trained(kind, n=25, **words):
    model = kind(**SMALL, **words)
    for i in range(n):
        model.learn_one(x_of(i), KINDS[kind](i))
    return model


def block(kind, steps):
    """Rows with a feature that no model knows, and their targets."""
    rows = [x_of(i) | {"odd": "text"} for i in steps]
    names = list(rows[0])
    X = np.array([[row.get(name) for name in names] for row in rows], object)
    y = [KINDS[kind](i) for i in steps]
    return (
        rows,
        X,
        names,
        ({k: [one[k] for one in y] for k in y[0]} if type(y[0]) is dict else y),
        y,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_is_the_loop(kind):
    model, other = trained(kind), trained(kind)
    before = learnt(model._model)
    rows, X, names, columns, y = block(kind, range(25, 40))
    found = model.replay(X, columns, names, learn=False)
    expected = []
    for x, target in zip(rows, y, strict=True):
        expected.append(
            other.predict_one(x)
            if kind is not RNNMultiLabelClassifier
            else {k: p[True] for k, p in other.predict_proba_one(x).items()}
        )
        other.observe_one(x, target)
    if type(expected[0]) is dict:
        expected = [list(one.values()) for one in expected]
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    assert bits(model._model) == bits(other._model)
    assert learnt(model._model) == before
    assert model.counters["samples"] == 40
    assert model.counters["updates"] == trained(kind).counters["updates"]
    assert kind.from_bytes(model.to_bytes()).predict_one(x_of(40)) == model.predict_one(x_of(40))


@pytest.mark.parametrize("kind", KINDS)
def test_without_targets_the_state_goes_on_as_if_they_were_unknown(kind):
    models = [trained(kind) for _ in range(3)]
    _, X, names, columns, _ = block(kind, range(25, 33))
    models[0].replay(X, None, names, learn=False)
    models[1].replay(X, columns, names, [0.0] * 8, learn=False)
    for i in range(25, 33):
        models[2].observe_one(x_of(i))
    assert len({bits(model._model) for model in models}) == 1
    assert models[0].counters["missing_targets"] >= 8


def test_labels_and_names_that_are_new_get_no_output():
    model = trained(RNNClassifier)
    model.observe_one(x_of(25) | {"new": 1.0}, "a label")
    model.replay(np.ones((2, 1)), ["a label", "another"], ["new"], learn=False)
    assert set(model.predict_proba_one(x_of(26))) == {True, False}
    assert "new" not in model.feature_names
    several = trained(RNNMultiTargetRegressor)
    several.replay(np.ones((2, 1)), {"b": [1.0, 2.0], "c": [3.0, 4.0]}, ["new"], learn=False)
    several.observe_one(x_of(27), {"c": 1.0})
    assert set(several.predict_one(x_of(28))) == {"a", "b"}
    assert several.counters["samples"] == 28


def test_a_new_model_can_observe():
    for kind in KINDS:
        model = kind(**SMALL)
        model.observe_one({"a": 1.0}, KINDS[kind](1))
        assert len(model.replay(np.ones((3, 1)), None, learn=False)) == 3
        assert model.counters["samples"] == 4


def test_the_next_prediction_starts_from_the_target_that_was_observed():
    model = RNNRegressor(**SMALL)
    for _ in range(30):
        model.learn_one({"a": 0.0}, 5.0)
    model.observe_one({"a": 0.0}, 9.0)
    assert model.predict_one({"a": 0.0}) == pytest.approx(9.0, abs=0.5)


def test_a_mistake_changes_nothing():
    model = trained(RNNRegressor)
    before = model.to_bytes()
    with pytest.raises(TypeError, match="feature 'a'"):
        model.observe_one({"a": "text"}, 1.0)
    with pytest.raises(TypeError, match="the target"):
        model.observe_one(x_of(1), "text")
    with pytest.raises(ValueError, match="2 rows"):
        model.replay(np.ones((2, 1)), [1.0], ["a"], learn=False)
    with pytest.raises(ValueError, match="w"):
        model.replay(np.ones((2, 1)), None, ["a"], [1.0, -1.0], learn=False)
    assert model.to_bytes() == before


def test_the_watch_for_drift_sees_nothing():
    model = trained(RNNRegressor, drift_detector=drift.PageHinkley(min_instances=5, threshold=2))
    before = pickle.dumps(model._watch)
    _, X, names, y, _ = block(RNNRegressor, range(25, 40))
    model.replay(X, np.array(y) * 1e3, names, learn=False)
    assert pickle.dumps(model._watch) == before


def test_a_transformer_observes():
    model = RNNTransformer(**SMALL)
    for i in range(25):
        model.learn_one(x_of(i), y_of(i))
    before, hidden = learnt(model._model), model.transform_one(x_of(26))
    model.observe_one(x_of(25), y_of(25))
    assert learnt(model._model) == before
    assert model.transform_one(x_of(26)) != hidden


# --- many keys


def keyed(weights):
    words = {"head": "linear_skip"} if weights == "shared" else {}
    model = KeyedModel(
        RNNRegressor(**SMALL, **words), key="id", max_keys=2, weights=weights, n_threads=1
    )
    for i in range(40):
        model.learn_one(x_of(i) | {"id": i % 3}, y_of(i))
    return model


@pytest.mark.parametrize("weights", ["own", "shared"])
def test_of_many_keys(weights):
    """Some of which are on disk, and one has no model and gets none."""
    model, other = keyed(weights), keyed(weights)
    steps = range(40, 60)
    X = [list(x_of(i).values()) for i in steps]
    keys, y = [i % 4 for i in steps], [y_of(i) for i in steps]
    found = model.replay(keys, X, y, list(x_of(40)), learn=False)
    for i, prediction in zip(steps, found, strict=True):
        x = x_of(i) | {"id": i % 4}
        assert other.predict_one(x) == prediction
        other.observe_one(x, y_of(i))
    assert sorted(model) == [0, 1, 2]
    assert model.counters["samples"] == 40 + 15
    for key in range(3):
        alone, before = model.extract(key), keyed(weights).extract(key)
        assert bits(alone._model) == bits(other.extract(key)._model)
        assert learnt(alone._model) == learnt(before._model)
        assert bits(alone._model) != bits(before._model)
