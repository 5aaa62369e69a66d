"""Optimizers that look at all parameters before they move any: what their steps keep to."""

import math

import numpy as np
import pytest
from engine_helpers import engine, get, learn, put
from estimator_helpers import SMALL, model_bytes, plain
from naive import Twin, random_weights

from streamrnn import KeyedModel, RNNRegressor
from streamrnn.layout import notes
from streamrnn.optimizers import Intentional, ObGD

PLAIN = {"truncation": 4, "lr": 1e-4, "activations": "recomputed"}
PACED = {**SMALL, "optimizer": "intentional", "dtype": "float64"}
X = np.array([[0.3, -1.0, 0.5]])


def moved(words, y, weight=1.0):
    """How the outputs for one sample change, with the same state, by learning it."""
    model = engine(n_outputs=len(y), **PLAIN | words)
    put(model, random_weights("gru", 3, 4, n_out=len(y), seed=3))
    before = learn(model, X, y, weight)
    model.reset_state()
    after = learn(model, X, y, 0.0)
    return before, after


@pytest.mark.parametrize("size", [1e-3, 1.0, 50.0])
@pytest.mark.parametrize("clip_norm", [math.inf, 0.01])
@pytest.mark.parametrize("weight", [1.0, 0.5, 3.0])
def test_intentional_moves_a_prediction_by_a_share_of_its_error(size, clip_norm, weight):
    words = {"optimizer": "intentional", "clip_norm": clip_norm}
    before, after = moved(words, np.array([size]), weight)
    assert (after - before) / (size - before) == pytest.approx(1e-4 * weight, rel=1e-2)


@pytest.mark.parametrize("loss", ["squared", "absolute", "binary_cross_entropy"])
def test_intentional_lowers_the_sum_of_the_losses(loss):
    target = np.array([1.0, 0.0])
    before, after = moved({"optimizer": "intentional", "loss": loss}, target)

    def total(z):
        if loss == "binary_cross_entropy":
            return -np.log(np.where(target > 0, z, 1 - z)).sum()
        return (abs(z - target) ** (2 if loss == "squared" else 1)).sum()

    assert 1 - total(after) / total(before) == pytest.approx(2e-4, rel=1e-2)


def test_intentional_holds_spikes():
    """An error of 1e6 times the usual size counts as one of 20 times."""
    model = engine(**PLAIN | {"optimizer": "intentional", "lr": 0.1})
    rng = np.random.default_rng(0)
    for x in rng.normal(size=(300, 3)):
        learn(model, x, x[0] + rng.normal())
    usual = notes(model.sizes, model.parts)[0]
    before = get(model)
    learn(model, X, 1e6)
    assert notes(model.sizes, model.parts)[0] < 2 * usual
    assert max(abs(get(model)[name] - before[name]).max() for name in before) < 5


@pytest.mark.parametrize("size", [1e-4, 0.3, 40.0])
def test_obgd_never_goes_farther_than_its_bound(size):
    """Where the bound holds, the parameters move by min(error, 1) / kappa in all."""
    words = {"optimizer": "obgd", **PLAIN, "lr": 10.0}
    model = engine(**words)
    put(model, random_weights("gru", 3, 4, seed=3))
    start = get(model)
    before = learn(model, X, 0.0)[0]
    model.reset_state()
    put(model, start)
    learn(model, X, before + size)
    way = sum(abs(get(model)[name] - start[name]).sum() for name in start)
    assert way == pytest.approx(min(2 * size, 1.0) / 2.0, rel=1e-9)


@pytest.mark.parametrize("optimizer", ["obgd", "intentional"])
def test_windows_weights_and_unknown_targets_as_the_twin_has_them(optimizer):
    words = {"cell": "gru", "loss": "squared", "truncation": 6, "update_every": 2}
    words |= {"loss_window": 4, "activations": "recomputed", "optimizer": optimizer, "lr": 0.01}
    weights = random_weights("gru", 3, 4, n_out=2, seed=3)
    twin, model = Twin(weights=weights, **words), engine(n_outputs=2, **words)
    put(model, weights)
    rng = np.random.default_rng(1)
    xs, ys = rng.normal(size=(60, 3)), rng.normal(size=(60, 2))
    ys[rng.random((60, 2)) < 0.3] = math.nan
    for x, y, weight in zip(xs, ys, rng.choice([0.0, 0.5, 2.0], 60), strict=True):
        twin.learn(x, y, weight)
        learn(model, x, y, weight)
    for name, found in get(model).items():
        np.testing.assert_allclose(found, twin.weights[name], rtol=1e-8, atol=1e-10)


def test_a_fleet_of_one_stream_is_an_estimator(rng):
    xs, y = rng.normal(size=(200, 2)), rng.normal(size=200)
    fleet = KeyedModel(plain(RNNRegressor, **PACED), "id", weights="shared")
    single = plain(RNNRegressor, **PACED)
    fleet.replay(["only"] * 200, xs, y, features=["a", "b"])
    single.replay(xs, y, features=["a", "b"])
    assert model_bytes(fleet.extract("only")) == model_bytes(single)


def test_streams_alike_move_shared_weights_as_one_would(rng):
    """The mean of equal gradients and of equal losses is each of them."""
    xs, y = rng.normal(size=(50, 2)), rng.normal(size=50)
    fleet = KeyedModel(plain(RNNRegressor, **PACED), "id", weights="shared")
    single = plain(RNNRegressor, **PACED)
    fleet.replay([0, 1, 2] * 50, np.repeat(xs, 3, axis=0), np.repeat(y, 3), features=["a", "b"])
    single.replay(xs, y, features=["a", "b"])
    for name, found in fleet.extract(0).get_weights().items():
        np.testing.assert_allclose(found, single.get_weights()[name], rtol=1e-7, atol=1e-9)


def test_a_reset_forgets_the_usual_error_and_a_file_does_not(rng):
    model = plain(RNNRegressor, **PACED | {"optimizer": Intentional(lr=0.1, limit=5.0)})
    model.replay(rng.normal(size=(30, 2)), rng.normal(size=30))
    assert notes(model._model.sizes, model._model.parts)[0] > 0
    again = RNNRegressor.from_bytes(model.to_bytes())
    assert model_bytes(again) == model_bytes(model)
    assert again.optimizer == model.optimizer
    model._model.reset_optimizer()
    assert notes(model._model.sizes, model._model.parts)[0] == 0


def test_others_keep_no_notes():
    assert plain(RNNRegressor)._model.sizes.n_notes == 0
    assert plain(RNNRegressor, optimizer=ObGD())._model.sizes.n_notes == 0
