"""Weights of samples: what they mean, who routes them, and which are refused."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import SMALL, model_bytes, plain, refuses
from river import datasets, drift, ensemble, evaluate, linear_model, metrics, preprocessing

from streamrnn import (
    KeyedModel,
    RNNClassifier,
    RNNMultiLabelClassifier,
    RNNMultiTargetRegressor,
    RNNRegressor,
    RNNTransformer,
)


def named_targets(stream):
    return [(x, {"y": y, "z": -y}) for x, y in stream]


def named_labels(stream):
    return [(x, {"warm": y > 2, "b": x["b"] > 0}) for x, y in stream]


def labels(stream):
    return [(x, "warm" if y > 2 else "cold") for x, y in stream]


KINDS = {
    "regressor": (RNNRegressor, list),
    "classifier": (RNNClassifier, labels),
    "targets": (RNNMultiTargetRegressor, named_targets),
    "labels": (RNNMultiLabelClassifier, named_labels),
    "transformer": (RNNTransformer, list),
}


@pytest.fixture(params=KINDS)
def weighted_case(request, stream):
    """A class of estimators, and a stream with targets of its kind."""
    kind, of = KINDS[request.param]
    return kind, of(stream)


def learn(model, samples, **arguments):
    for x, y in samples:
        model.learn_one(x, y, **arguments)
    return model


# --- what they mean


def test_one_is_the_default(weighted_case):
    kind, samples = weighted_case
    unweighted = learn(kind(**SMALL), samples)
    for one in (1.0, 1, np.float32(1.0)):
        assert model_bytes(learn(kind(**SMALL), samples, w=one)) == model_bytes(unweighted)


def test_zero_only_advances(weighted_case):
    """The weights stay, and the state goes on."""
    kind, samples = weighted_case
    model = learn(kind(**SMALL), samples)
    weights, state = model.get_weights(), model._model.parts.state.copy()
    n_samples, n_updates = model.counters["samples"], model.counters["updates"]
    model.learn_one(*samples[0], w=0)
    assert all((weights[name] == array).all() for name, array in model.get_weights().items())
    assert (state != model._model.parts.state).any()
    assert model.counters["samples"] == n_samples + 1
    assert model.counters["updates"] == n_updates


def test_two_is_twice_the_step_and_not_two_steps(weighted_case):
    """With SGD and no clipping the weights move twice as far; the state takes one step."""
    kind, samples = weighted_case
    arguments = {"cell": "gru", "optimizer": "sgd", "clip_norm": None, "dtype": "float64"}
    model = learn(plain(kind, **SMALL, **arguments), samples)
    before, copies = model.get_weights(), [pickle.loads(pickle.dumps(model)) for _ in range(3)]
    once, double, twice = copies
    once.learn_one(*samples[0])
    double.learn_one(*samples[0], w=2.0)
    twice.learn_one(*samples[0])
    twice.learn_one(*samples[0])
    for name, array in before.items():
        step = once.get_weights()[name] - array
        found = double.get_weights()[name] - array
        # A difference of numbers near 1: exact to some units of their last place.
        np.testing.assert_allclose(found, 2 * step, rtol=1e-6, atol=1e-14, err_msg=name)
    assert (once._model.parts.state == double._model.parts.state).all()
    assert double.counters["samples"] == once.counters["samples"] == len(samples) + 1
    assert model_bytes(double) != model_bytes(twice)


def test_heavier_samples_are_followed():
    """Where two targets contradict each other, the prediction is near the heavier one's."""
    model = plain(RNNRegressor, **SMALL, lr=0.01, clip_norm=None, scale_target=False)
    for _ in range(1500):
        model.learn_one({}, 1.0, w=0.9)
        model.learn_one({}, 0.0, w=0.1)
    middle = (model.predict_one({}) + _after(model, 1.0)) / 2
    assert middle > 0.7  # unweighted: 0.5


def _after(model, y):
    other = pickle.loads(pickle.dumps(model))
    other.learn_one({}, None)
    return other.predict_one({})


# --- which are refused


@pytest.mark.parametrize(
    ("w", "kind"),
    [
        (-1.0, ValueError),
        (-1e-9, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        (np.float32("nan"), ValueError),
        (10**400, ValueError),
        ("2", TypeError),
        (None, TypeError),
        (True, TypeError),
        (1j, TypeError),
        ([1.0], TypeError),
        (np.ones(2), TypeError),
    ],
)
def test_what_is_no_weight_is_refused_and_changes_nothing(weighted_case, w, kind):
    estimator, samples = weighted_case
    model = learn(estimator(**SMALL), samples[:3])
    x = {**samples[0][0], "further": 1.0}
    refuses(model, lambda: model.learn_one(x, samples[0][1], w=w), kind, "w must be")


@pytest.mark.parametrize(
    ("w", "kind", "message"),
    [
        ([1.0] * 39 + [-1.0], ValueError, "w must be finite and at least 0, got -1.0"),
        (np.array([math.nan] * 40), ValueError, "w must be finite and at least 0, got nan"),
        ([1.0] * 39 + ["x"], TypeError, "w must be a number, got 'x'"),
        ([1.0] * 39 + [None], TypeError, "w must be a number, got None"),
        ([1.0] * 39, ValueError, "X has 40 rows, but w has 39"),
        (np.ones((40, 2)), ValueError, "w must be one column"),
        (2.0, TypeError, "w must have a value for each row of X, got 2.0"),
    ],
)
def test_weights_of_a_block_that_do_not_fit_are_refused(stream, w, kind, message):
    X = pd.DataFrame([x for x, _ in stream])
    y = [target for _, target in stream]
    model = RNNRegressor(**SMALL)
    refuses(model, lambda: model.replay(X, y, w=w), kind, message)
    keyed = KeyedModel(RNNRegressor(**SMALL), key="key")
    keyed.learn_one({"key": 1, "a": 1.0}, 1.0)
    before = pickle.dumps(keyed)
    with pytest.raises(kind, match=message):
        keyed.replay([1, 2] * 20, X, y, w=w)
    assert pickle.dumps(keyed) == before


def seen_by_the_watch(model):
    state = model._watch.state()
    return {**state, "detector": pickle.dumps(state["detector"])}


def by_loop(model, xs, ys, w):
    for x, y, weight in zip(xs, ys, w, strict=True):
        model.learn_one(x, y, w=weight)


def by_block(model, xs, ys, w):
    model.replay(pd.DataFrame(xs), ys, w=w)


def late(model, xs, ys, w):
    for t, (x, y, weight) in enumerate(zip(xs, ys, w, strict=True)):
        model.predict_one(x, t=t)
        model.learn_one(x, y, t=t, w=weight)


@pytest.mark.parametrize("way", [by_loop, by_block, late])
def test_to_the_drift_detector_a_weight_of_zero_is_an_unknown_target(stream, way):
    weighted, unknown = (RNNRegressor(**SMALL, drift_detector=drift.ADWIN()) for _ in range(2))
    xs, ys = ([sample[i] for sample in stream] for i in (0, 1))
    w = [float(i % 3) for i in range(len(xs))]
    way(weighted, xs, ys, w)
    way(unknown, xs, [y if i % 3 else None for i, y in enumerate(ys)], [i or 1.0 for i in w])
    assert seen_by_the_watch(weighted) == seen_by_the_watch(unknown)
    assert seen_by_the_watch(weighted)["errors"][0] > len(xs) / 2
    assert model_bytes(weighted) == model_bytes(unknown)


def test_a_late_target_of_weight_zero_is_none_and_counts_as_none():
    model = RNNRegressor(**SMALL)
    for t in range(2 * SMALL["truncation"]):
        model.predict_one({"a": 1.0}, t=t)
    model.learn_one({}, 1.0, t=0, w=0.0)
    assert model.counters["late_targets"] == 0
    with pytest.warns(UserWarning, match="event 0 came when its step had left the window"):
        model.learn_one({}, 1.0, t=0)
    assert model.counters["late_targets"] == 1


# --- blocks, and keys


@pytest.mark.parametrize("form", [list, np.array, pd.Series, tuple])
@pytest.mark.parametrize("weights", [[0.5, 2.0, 0.0, 1.0], [1, 2, 0, 1]], ids=["float", "int"])
def test_a_weighted_block_gives_the_bits_of_the_loop(stream, form, weights):
    one, other = RNNRegressor(**SMALL), RNNRegressor(**SMALL)
    weights = weights * 10
    expected = []
    for (x, y), w in zip(stream, weights, strict=True):
        expected.append(one.predict_one(x))
        one.learn_one(x, y, w=w)
    X = pd.DataFrame([x for x, _ in stream])
    assert other.replay(X, [y for _, y in stream], w=form(weights)).tolist() == expected
    assert model_bytes(one) == model_bytes(other)


@pytest.mark.parametrize("kind", ["regressor", "classifier"])
def test_weights_of_keys(stream, kind):
    """A weighted key is a weighted model of its own, one by one and in a block."""
    estimator, of = KINDS[kind]
    samples, weights = of(stream), [0.5, 2.0, 0.0, 1.0] * 10
    model = estimator(**SMALL)
    keys = ["left" if i % 3 else "right" for i in range(len(samples))]
    one, block = (KeyedModel(model, key="key") for _ in range(2))
    alone = {key: model.clone() for key in ("left", "right")}
    expected = []
    for (x, y), key, w in zip(samples, keys, weights, strict=True):
        expected.append(one.predict_one({**x, "key": key}))
        one.learn_one({**x, "key": key}, y, w=w)
        alone[key].learn_one(x, y, w=w)
    X = pd.DataFrame([x for x, _ in samples])
    got = block.replay(keys, X, [y for _, y in samples], w=weights)
    assert got.tolist() == expected
    for key, single in alone.items():
        if kind == "regressor":  # classes of all keys are those of a keyed classifier
            assert model_bytes(one.extract(key)) == model_bytes(single)
        assert model_bytes(one.extract(key)) == model_bytes(block.extract(key))


def test_a_key_that_is_new_with_a_bad_weight_gets_no_model():
    model = KeyedModel(RNNRegressor(**SMALL), key="key")
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match="w must be finite and at least 0, got -1"):
        model.learn_one({"key": 1, "a": 1.0}, 1.0, w=-1)
    assert pickle.dumps(model) == before
    assert len(model) == 0


# --- who routes them


def test_pipelines_and_evaluations_route_them(stream):
    direct = learn(RNNRegressor(**SMALL), stream, w=2.0)
    assert model_bytes(direct) != model_bytes(learn(RNNRegressor(**SMALL), stream))
    scored = RNNRegressor(**SMALL)
    weighted = ((x, y, {"w": 2.0}) for x, y in stream)
    evaluate.progressive_val_score(weighted, scored, metrics.MAE())
    assert model_bytes(scored) == model_bytes(direct)
    pipeline = preprocessing.StandardScaler() | RNNRegressor(**SMALL)
    behind, scaler = RNNRegressor(**SMALL), preprocessing.StandardScaler()
    for x, y in stream:
        pipeline.learn_one(x, y, w=2.0)
        scaler.learn_one(x)
        behind.learn_one(scaler.transform_one(x), y, w=2.0)
    assert model_bytes(pipeline["RNNRegressor"]) == model_bytes(behind)


def test_a_transformer_and_what_is_behind_it_get_the_weight(stream):
    model = RNNTransformer(**SMALL) | linear_model.LinearRegression()
    alone, linear = RNNTransformer(**SMALL), linear_model.LinearRegression()
    for x, y in stream:
        model.learn_one(x, y, w=0.5)
        linear.learn_one(alone.transform_one(x), y, w=0.5)
        alone.learn_one(x, y, w=0.5)
    assert model_bytes(model["RNNTransformer"]) == model_bytes(alone)
    assert model.predict_one(stream[0][0]) == linear.predict_one(alone.transform_one(stream[0][0]))


@pytest.mark.parametrize("ensembles", [ensemble.AdaBoostClassifier, ensemble.BaggingClassifier])
def test_ensembles_that_repeat_samples_work_as_before(ensembles):
    """They show a sample as often as they weight it: each time is a step of its own."""
    scores = []
    for _ in range(2):
        model = ensembles(RNNClassifier(**SMALL), n_models=2, seed=1)
        stream = datasets.Phishing().take(200)
        scores.append(evaluate.progressive_val_score(stream, model, metrics.Accuracy()).get())
    assert scores[0] == scores[1] > 0.6
