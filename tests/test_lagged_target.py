"""The last target that is known, as an input of the network."""

import math

import numpy as np
import pytest
from engine_helpers import bits, blueprint, engine, get, learn, put, rows
from naive import Twin, random_weights
from naive.losses import Binary
from test_head_plugin import Skip

from streamrnn.bank import Bank
from streamrnn.fleet import Fleet
from streamrnn.layout import features, layer_tape
from streamrnn.statistics import statistics_parts

WINDOWS = {
    "stored": {"truncation": 5},
    "recomputed": {"truncation": 5, "update_every": 2, "loss_window": 4},
}


def zero(n):
    return np.zeros(n)


#: For each loss: outputs, the targets of a stream of noise, and how the twin tells the last one.
KINDS = {
    "squared": (
        2,
        lambda y: y,
        lambda y: zero(2) if y is None else np.nan_to_num(y),
    ),
    "binary_cross_entropy": (
        2,
        lambda y: np.where(np.isnan(y), math.nan, y > 0),
        lambda y: zero(2) if y is None else np.nan_to_num(2 * y - 1),
    ),
    "cross_entropy": (
        3,
        lambda y: int(y[0] > 0) + int(y[0] > 0.5) if np.isfinite(y[0]) else None,
        lambda y: zero(3) if y is None else np.eye(3)[y],
    ),
    "logistic": (
        1,
        lambda y: int(y[0] > 0) if np.isfinite(y[0]) else None,
        lambda y: zero(1) if y is None else np.array([2.0 * y - 1.0]),
    ),
}


def noise(length, rng):
    """Features, and two targets with gaps; for a while nothing is known, longer than a window."""
    X, Y = rng.normal(size=(length, 3)), rng.normal(size=(length, 2))
    Y[2::5, 0] = Y[4::7, 1] = Y[5::6] = Y[30:38] = math.nan
    return X, Y


# What is told depends on the loss, where it is kept on the algorithm: not every pair is compiled.
PAIRS = [(loss, "stored") for loss in KINDS]
PAIRS += [("squared", "recomputed"), ("cross_entropy", "recomputed")]


@pytest.mark.parametrize(("loss", "activations"), PAIRS)
def test_as_the_twin_has_it(loss, activations, rng):
    n_outputs, encode, lag = KINDS[loss]
    words = {"cell": "gru", "loss": loss, "optimizer": "sgd", "lr": 0.05}
    words |= {"activations": activations, **WINDOWS[activations]}
    words["scale_target"] = loss == "squared"
    weights = random_weights("gru", 3 + len(lag(None)), 4, n_out=n_outputs, seed=3)
    slow = Binary() if loss == "binary_cross_entropy" else loss
    twin = Twin(weights=weights, lag=lag, **words | {"loss": slow})
    model = engine(n_outputs=n_outputs, lagged_target=True, **words)
    put(model, weights)
    for x, noisy in zip(*noise(80, rng), strict=True):
        y = encode(noisy)
        learn(model, x, y)
        twin.learn(x, y)
        np.testing.assert_array_equal(model.sizes.n_lags, len(lag(None)))
    for name, array in twin.weights.items():
        np.testing.assert_allclose(get(model)[name], array, rtol=0, atol=1e-9, err_msg=name)
    assert {name: model.counters[name] for name in twin.counters} == twin.counters


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activations", WINDOWS)
def test_it_is_an_input_like_any_other(activations, dtype, num_layers, rng):
    """Bit for bit a model without it that is given the same numbers as further features."""
    words = {"activations": activations, "dtype": dtype, "num_layers": num_layers}
    words |= {"scale_target": True, "n_outputs": 2, **WINDOWS[activations]}
    if dtype == "float32":
        words |= {"cell": "lstm", "optimizer": "adam"}
    model, plain = engine(lagged_target=True, **words), engine(n_inputs=5, **words)
    put(plain, get(model))
    last = np.zeros(2)
    for x, y in zip(*noise(30, rng), strict=True):
        found = learn(model, x, y)
        assert found.tolist() == learn(plain, [*x, *last], y).tolist()
        newest = model.parts.targets[(model.counters["samples"] - 1) % 5]
        if newest[-1] != 0:
            last = np.nan_to_num(newest[:-1])
    for name, array in get(plain).items():
        assert get(model)[name].tobytes() == array.tobytes(), name
    assert model.gradient.tobytes() == plain.gradient.tobytes()


def test_it_is_forgotten_with_the_state(rng):
    model, never = (engine(lagged_target=True, lr=0.0) for _ in range(2))
    x = rng.normal(size=3)
    fresh = learn(never, x, None)
    for _ in range(3):
        learn(model, rng.normal(size=3), 5.0)
    model.reset_state()
    assert learn(model, x, None).tolist() == fresh.tolist()


def test_a_late_target_is_seen_from_then_on(rng):
    """It is the newest known one by its step, not by when it came."""
    model, other = (engine(lagged_target=True, lr=0.0, n_outputs=1) for _ in range(2))
    X = rng.normal(size=(5, 3))
    for x in X[:3]:
        learn(model, x, None)
        learn(other, x, None)
    seen = {}
    for age, y in ((1, 7.0), (2, -9.0), (0, 4.0)):
        model.y[0] = y, 1.0
        model.label(age)
        model.row[:] = X[3]
        model.run_one(False)
        seen[age] = model.answer.copy()
    assert seen[1] == seen[2] != seen[0]
    other.y[0] = 4.0, 1.0
    other.label(0)
    other.row[:] = X[3]
    other.run_one(False)
    assert other.answer == seen[0]


def test_blocks_banks_and_fleets_see_it(rng):
    X, Y = noise(40, rng)
    model = engine(lagged_target=True, n_outputs=2)
    single = np.array([learn(model, x, y) for x, y in zip(X, Y, strict=True)])
    block = engine(lagged_target=True, n_outputs=2)
    out = np.empty((40, 2))
    block.run(X, rows(Y), out, True)
    assert out.tobytes() == single.tobytes()
    assert bits(block) == bits(model)
    for kind in (Bank, Fleet):
        many = kind(blueprint(lagged_target=True, n_outputs=2))
        many.grow(3, 2)
        slots = np.array([many.take(), many.take()])
        both = np.empty((40, 2))
        bounds = np.array([0, 40, 40])
        many.run_groups(slots, bounds, X, rows(Y), both, 1)
        assert both.tobytes() == single.tobytes()


class TestGrowth:
    @pytest.mark.parametrize("activations", ["stored", "recomputed"])
    @pytest.mark.parametrize("head", [None, Skip])
    def test_a_feature_that_is_never_seen_changes_nothing(self, head, activations, rng):
        """Its column comes between those of the features and of the lags, at any time."""
        words = {"activations": activations, "lagged_target": True, "head": head, "cell": "lstm"}
        words |= {"optimizer": "adam", "n_outputs": 2, "truncation": 4}
        one, other = engine(n_inputs=3, **words), engine(n_inputs=3, **words)
        X, Y = noise(30, rng)
        for t, (x, y) in enumerate(zip(X, Y, strict=True)):
            if t == 12:
                other.grow(5, 2)
            expected = learn(one, x, y)
            found = learn(other, x if t < 12 else [*x, math.nan, math.nan], y)
            np.testing.assert_allclose(found, expected, rtol=1e-10)
        kept = [0, 1, 2, 5, 6]
        grown = get(other)
        np.testing.assert_allclose(
            grown["weight_ih_l0"][:, kept], get(one)["weight_ih_l0"], rtol=0, atol=1e-12
        )
        if head is Skip:
            np.testing.assert_allclose(
                grown["head.skip"][:, kept], get(one)["head.skip"], rtol=0, atol=1e-12
            )
            assert (grown["head.skip"][:, 3:5] == 0).all()

    @pytest.mark.parametrize("activations", ["stored", "recomputed"])
    def test_a_class_that_comes_later(self, activations, rng):
        """Its lag was 0 in all steps gone by."""
        words = {"activations": activations, "loss": "cross_entropy", "lagged_target": True}
        model = engine(n_outputs=2, **words)
        for _ in range(6):
            learn(model, rng.normal(size=3), float(rng.integers(0, 2)))
        before = get(model)["weight_ih_l0"].copy()
        model.grow(4, 3)
        after = get(model)["weight_ih_l0"]
        assert after[:, [0, 1, 2, 4, 5]].tobytes() == before.tobytes()
        assert model.sizes.n_lags == 3
        if activations == "stored":
            ring = layer_tape(model.sizes, model.parts.memory, 0).inputs
            assert (ring[:, 3] == 0).all()
            assert (ring[:, 6] == 0).all()
            assert ring[:, 4:6].sum() == 5  # one of them is 1 in each step of the window
            assert abs(features(model.sizes, model.parts.memory)).max() > 0
        learn(model, rng.normal(size=4), 2.0)
        model.row[:] = math.nan
        model.run_one(False)
        assert np.isfinite(model.answer).all()

    @pytest.mark.parametrize("init", ["default", "torch"])
    @pytest.mark.parametrize("loss", ["cross_entropy", "squared"])
    def test_initial_weights_know_nothing_of_the_features(self, loss, init):
        words = {"loss": loss, "init": init, "lagged_target": True}
        columns = []
        for steps in ([(0, 3), (5, 3)], [(5, 2), (5, 3)], [(2, 3), (5, 3)], [(5, 3)]):
            if loss == "squared":  # the number of targets at that time counts
                steps = [(n, 3) for n, _ in steps]
            model = engine(n_inputs=0, n_outputs=steps[0][1], **words)
            for step in steps:
                model.grow(*step)
            columns.append(get(model)["weight_ih_l0"][:, 5:])
        for other in columns[1:]:
            assert other.tobytes() == columns[0].tobytes()
        assert columns[0].shape[1] == 3
        assert np.unique(columns[0]).size == columns[0].size

    def test_features_start_as_without_it(self):
        one, other = engine(n_outputs=2), engine(n_outputs=2, lagged_target=True)
        for name, array in get(one).items():
            found = get(other)[name]
            assert (
                found[:, :3].tobytes() == array.tobytes()
                if "ih_l0" in name and (found.ndim == 2)
                else found.tobytes() == array.tobytes()
            )


def test_moments_are_of_features_only(rng):
    model = engine(lagged_target=True, n_outputs=2, scale_inputs=True)
    for x, y in zip(*noise(10, rng), strict=True):
        learn(model, x, y)
    kept = statistics_parts(model.sizes, model.statistics)
    assert kept.inputs.shape == (3, 3)
    assert model.x.shape == (1, 3)
    assert model.counters["missing_values"] == 0


def test_it_helps_where_the_past_is_all_there_is(rng):
    """Each target is nearly the opposite of the last one, and the features say nothing."""
    targets = np.zeros(600)
    for t in range(1, 600):
        targets[t] = -0.95 * targets[t - 1] + 0.3 * rng.normal()
    errors = {}
    for lagged in (False, True):
        model = engine(
            n_inputs=1, lagged_target=lagged, hidden_size=8, optimizer="adam", lr=0.01, truncation=8
        )
        found = [learn(model, [0.0], y)[0] for y in targets]
        errors[lagged] = np.mean(np.abs(found - targets)[300:])
    assert errors[True] < 0.5 * errors[False]
