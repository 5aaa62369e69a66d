"""Samples that count more or less, and several targets of which some are not known."""

import math

import numpy as np
import pytest
from engine_helpers import bits, blueprint, engine, get, learn, put, rows
from naive import Twin, random_weights
from naive.losses import Binary

from streamrnn.fleet import Fleet
from streamrnn.statistics import MISSING_TARGETS, statistics_parts

WINDOWS = {
    "stored": [(5, 1, 1), (6, 3, 3)],
    "recomputed": [(5, 1, 3), (6, 2, 5)],
}
GRID = [(name, window) for name, windows in WINDOWS.items() for window in windows]


def several(length, rng):
    """Two targets, each with gaps, and now and then neither of them is known."""
    X = rng.normal(size=(length, 3))
    Y = np.column_stack([X[:, 0] + 3.0, 10 * X[:, 1] - X[:, 2]])
    Y[2::7, 0] = Y[3::5, 1] = Y[6::11] = math.nan
    return X, Y


def same_weights(model, twin):
    found = get(model)
    for name, array in twin.weights.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(("activations", "window"), GRID)
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_several_targets_and_weights_as_the_twin_has_them(activations, window, loss, rng):
    words = dict(zip(("truncation", "update_every", "loss_window"), window, strict=True))
    words |= {"cell": "gru", "loss": loss, "activations": activations, "optimizer": "sgd"}
    words |= {"lr": 0.03, "scale_target": True, "scale_inputs": True}
    weights = random_weights("gru", 3, 4, n_out=2, seed=3)
    twin, model = Twin(weights=weights, **words), engine(n_outputs=2, **words)
    put(model, weights)
    X, Y = several(90, rng)
    strength = rng.choice([0.0, 0.5, 1.0, 3.0], size=90)
    for x, y, weight in zip(X, Y, strength, strict=True):
        expected = twin.predict(x)
        np.testing.assert_allclose(learn(model, x, y, weight), expected, rtol=1e-8, atol=1e-9)
        twin.learn(x, y, weight)
    same_weights(model, twin)
    assert {name: model.counters[name] for name in twin.counters} == twin.counters


def test_several_labels_as_the_twin_has_them(rng):
    words = {"cell": "gru", "loss": "binary_cross_entropy", "optimizer": "sgd", "lr": 0.2}
    weights = random_weights("gru", 3, 4, n_out=2, seed=3)
    twin = Twin(weights=weights, truncation=5, **words | {"loss": Binary()})
    model = engine(n_outputs=2, **words)
    put(model, weights)
    X, Y = several(200, rng)
    Y = np.where(np.isnan(Y), math.nan, Y > 3.0)
    hits = []
    for x, y in zip(X, Y, strict=True):
        p = learn(model, x, y)
        np.testing.assert_allclose(p, 1 / (1 + np.exp(-twin.predict(x))), rtol=1e-8)
        twin.learn(x, y)
        hits += ((p > 0.5) == y)[~np.isnan(y)].tolist()
    same_weights(model, twin)
    assert np.mean(hits[-100:]) > 0.8


@pytest.mark.parametrize("weight", [0.5, 2.0, 7.0])
def test_twice_the_weight_is_twice_the_gradient(weight, rng):
    X, Y = several(12, rng)
    one, other = (engine(n_outputs=2, lr=0.0) for _ in range(2))
    for x, y in zip(X, Y, strict=True):
        learn(one, x, y)
        learn(other, x, y, weight)
        np.testing.assert_allclose(other.gradient, weight * one.gradient, rtol=1e-12)
    assert abs(one.gradient).max() > 0.1


@pytest.mark.parametrize("weight", [0.0, -1.0, 1e-320, math.nan, math.inf])
def test_a_weight_that_is_none_is_a_target_that_is_not_known(weight, rng):
    X, Y = several(40, rng)
    one, other = (engine(n_outputs=2, scale_target=True, dtype="float32") for _ in range(2))
    for t, (x, y) in enumerate(zip(X, Y, strict=True)):
        known = t % 3 > 0
        learn(one, x, y if known else None)
        learn(other, x, y, 1.0 if known else weight)
    assert bits(one) == bits(other)
    assert one.counters["missing_targets"] > 13


def test_one_loss_for_several_targets_is_the_sum(rng):
    """At the head: each output sees its own target only; below it gradients add up."""
    X, Y = several(8, rng)
    words = {"n_outputs": 2, "lr": 0.0, "truncation": 8}
    words |= {"update_every": 8, "loss_window": 8}
    both, first, second = (engine(**words) for _ in range(3))
    nothing = np.full(8, math.nan)
    for model, rest in (
        (both, Y),
        (first, np.column_stack([Y[:, 0], nothing])),
        (second, np.column_stack([nothing, Y[:, 1]])),
    ):
        for x, y in zip(X, rest, strict=True):
            learn(model, x, y)
    np.testing.assert_allclose(both.gradient, first.gradient + second.gradient, atol=1e-12)
    assert abs(first.gradient).max() > 0.1
    assert abs(second.gradient).max() > 0.1


def test_what_is_not_known_is_in_no_moments(rng):
    X, Y = several(60, rng)
    model = engine(n_outputs=2, scale_target=True)
    model.run(X, rows(Y), np.empty((60, 2)), True)
    kept = statistics_parts(model.sizes, model.statistics)
    assert kept.targets[0].tolist() == np.isfinite(Y).sum(axis=0).tolist()
    np.testing.assert_allclose(kept.targets[1], np.nanmean(Y, axis=0))
    assert kept.counters[MISSING_TARGETS] == np.isnan(Y).all(axis=1).sum() > 0


@pytest.mark.parametrize("activations", ["stored", "recomputed"])
def test_targets_that_come_later(activations, rng):
    """A model that grew is one that had all targets from the start and did not know some."""
    X, Y = several(40, rng)
    Y[:20, 1] = math.nan
    words = {"activations": activations, "scale_target": True, "init": "default"}
    words |= {"truncation": 8, "update_every": 1, "loss_window": 1}
    early, late = engine(n_outputs=2, **words), engine(n_outputs=1, **words)
    for t, (x, y) in enumerate(zip(X, Y, strict=True)):
        if t == 20:
            late.grow(3, 2)
        learn(early, x, y)
        learn(late, x, y if t >= 20 else y[:1])
    for name, array in get(early).items():
        np.testing.assert_allclose(get(late)[name], array, rtol=0, atol=1e-12, err_msg=name)
    assert early.statistics.tolist() == late.statistics.tolist()


def test_weights_in_a_fleet(rng):
    """One stream of shared weights is a model of its own."""
    X, Y = several(30, rng)
    table = rows(Y)
    table[:, -1] = rng.choice([0.0, 0.5, 2.0], size=30)
    fleet, model = Fleet(blueprint(n_outputs=2)), engine(n_outputs=2)
    fleet.grow(3, 2)
    fleet.select(fleet.take())
    outs = [np.empty((30, 2)) for _ in range(2)]
    for one, out in zip((fleet, model), outs, strict=True):
        one.run(X, table, out, True)
    assert outs[0].tobytes() == outs[1].tobytes()


def test_a_block_without_weights_is_refused(rng):
    model = engine(n_outputs=2)
    before = bits(model)
    with pytest.raises(ValueError, match="2 targets with their weight"):
        model.run(np.zeros((4, 3)), np.zeros((4, 2)), np.zeros((4, 2)), True)
    assert bits(model) == before
