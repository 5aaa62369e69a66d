"""The compiled learner against its slow twin, over whole streams and with weights that move.

Every cell, loss, optimiser, gradient algorithm, clipping and regularisation occurs, but not all in
all combinations: each combination of types (cell, loss, optimiser, algorithm) is a compilation.
"""

import math

import numpy as np
import pytest
from estimator_helpers import plain
from naive import LOSSES, OPTIMIZERS, Twin, random_weights
from naive.losses import Huber, Quantile
from river.optim import schedulers

import streamrnn

N_INPUTS, N_HIDDEN, UPDATES = 3, 4, 120
NO_SCALING = {"scale_inputs": False, "scale_target": False}

WINDOWS = {
    "stored": [
        {"truncation": 6, "update_every": 1, "loss_window": 1, "activations": "stored"},
        {"truncation": 8, "update_every": 3, "loss_window": 3, "activations": "stored"},
    ],
    "recomputed": [
        {"truncation": 6, "update_every": 1, "loss_window": 4, "activations": "recomputed"},
        {"truncation": 5, "update_every": 2, "loss_window": 5, "activations": "recomputed"},
    ],
}
CASES = {
    "rnn squared sgd recomputed": {"lr": 0.05, "clip_norm": 0.5, "l2": 0.05},
    "rnn_relu squared sgd stored": {"lr": 0.02, "clip_norm": 0.5, "l1": 0.01},
    "rnn absolute momentum stored": {"lr": 0.01, "clip_value": 0.2, "weight_decay": 0.02},
    "gru quantile rmsprop stored": {"lr": 0.003, "clip_norm": 0.3, "clip_value": 0.1, "l1": 1e-3},
    "lstm huber nesterov stored": {"lr": 0.01, "l2": 0.01},
    "gru huber intentional recomputed": {"lr": 0.02, "clip_norm": 0.3, "l2": 1e-3},
    "lstm squared obgd recomputed": {"lr": 0.5, "clip_value": 0.1},
    "lstm squared adam recomputed": {"lr": 0.01, "clip_norm": 1.0, "l2": 0.02, "weight_decay": 0.1},
}
GRID = [(case, window) for case in CASES for window in WINDOWS[case.split()[-1]]]


def window_name(value):
    if isinstance(value, dict):
        return f"{value['truncation']}-{value['update_every']}-{value['loss_window']}"
    return value.replace(" ", "-")


def stream(length, seed=4):
    """Noise in; a target from the present and the past; every seventh target is missing."""
    rng = np.random.default_rng(seed)
    xs = rng.normal(size=(length, N_INPUTS))
    past = np.vstack([np.zeros((3, N_INPUTS)), xs])
    ys = past[:-3, 0] - 0.7 * past[2:-1, 1] * past[3:, 2] + 0.2 * rng.normal(size=length)
    return xs, [None if t % 7 == 5 else y for t, y in enumerate(ys.tolist())]


def features(x):
    return dict(zip("abc", x.tolist(), strict=True))


def specification(cell, loss, optimizer, num_layers, **parameters):
    """What the twin and the model are told in the same words."""
    return {
        "cell": cell,
        "loss": loss,
        "optimizer": optimizer,
        "clip_norm": None,
        **NO_SCALING,
        **parameters,
    }, random_weights(cell, N_INPUTS, N_HIDDEN, num_layers, seed=8)


def assert_same_weights(model, twin, tolerance=1e-9):
    found = model.get_weights()
    assert found.keys() == twin.weights.keys()
    for name, array in twin.weights.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=tolerance, err_msg=name)


def assert_same_counters(model, twin):
    assert {name: model.counters[name] for name in twin.counters} == twin.counters


def run(model, twin, xs, ys):
    """Prequentially through both; the predictions must agree all the way."""
    for t, (x, y) in enumerate(zip(xs, ys, strict=True)):
        expected = twin.predict(x)[0]
        assert model.predict_one(features(x)) == pytest.approx(expected, rel=1e-8, abs=1e-9), t
        twin.learn(x, y)
        model.learn_one(features(x), y)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize(("case", "window"), GRID, ids=window_name)
def test_same_weights_after_a_stream(case, num_layers, window):
    spec, weights = specification(*case.split()[:3], num_layers, **CASES[case], **window)
    twin = Twin(weights=weights, **spec)
    model = plain(
        streamrnn.RNNRegressor, hidden_size=N_HIDDEN, num_layers=num_layers, dtype="float64", **spec
    )
    model.set_weights(weights, features=list("abc"))
    run(model, twin, *stream(UPDATES * window["update_every"]))
    assert_same_weights(model, twin)
    assert_same_counters(model, twin)
    moved = max(abs(twin.weights[name] - weights[name]).max() for name in weights)
    assert moved > 0.02
    if spec["clip_norm"] or spec.get("clip_value"):
        assert twin.counters["clipped"] > 10


@pytest.mark.parametrize(
    ("case", "slow", "fast"),
    [
        (
            "lstm huber nesterov stored",
            Huber(delta=0.3),
            lambda: streamrnn.losses.Huber(delta=0.3),
        ),
        (
            "gru quantile rmsprop stored",
            Quantile(q=0.9),
            lambda: streamrnn.losses.Quantile(q=0.9),
        ),
    ],
    ids=["huber", "quantile"],
)
def test_losses_with_parameters(case, slow, fast):
    """The same types as above, other numbers."""
    cell, _, optimizer, activations = case.split()
    spec, weights = specification(cell, None, optimizer, 1, lr=0.01, truncation=4)
    spec["activations"] = activations
    twin = Twin(weights=weights, **spec | {"loss": slow})
    model = plain(
        streamrnn.RNNRegressor, hidden_size=N_HIDDEN, dtype="float64", **spec | {"loss": fast()}
    )
    model.set_weights(weights, features=list("abc"))
    run(model, twin, *stream(60))
    assert_same_weights(model, twin)


@pytest.mark.parametrize(
    ("n_inputs", "n_hidden", "num_layers", "truncation"),
    [(1, 1, 1, 1), (8, 16, 2, 16), (11, 19, 3, 21)],
)
def test_other_sizes(n_inputs, n_hidden, num_layers, truncation):
    """One of everything, whole blocks of the matrix products, and blocks with a rest."""
    weights = random_weights("lstm", n_inputs, n_hidden, num_layers, seed=8, scale=0.3)
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(60, n_inputs)), rng.normal(size=60)
    spec = {"cell": "lstm", "loss": "huber", "optimizer": "nesterov", "lr": 0.01, **NO_SCALING}
    spec |= {"truncation": truncation, "clip_norm": 1.0}
    twin = Twin(weights=weights, **spec)
    model = plain(
        streamrnn.RNNRegressor, hidden_size=n_hidden, num_layers=num_layers, dtype="float64", **spec
    )
    model.set_weights(weights)  # columns go to the features as they appear, sorted by name
    names = [f"x{i:02}" for i in range(n_inputs)]
    for row, target in zip(X, y, strict=True):
        twin.learn(row, target)
        shuffled = rng.permutation(n_inputs)
        model.learn_one({names[i]: float(row[i]) for i in shuffled}, target)
    assert_same_weights(model, twin)


def test_learning_rate_schedule():
    schedule = schedulers.InverseScaling(learning_rate=0.1, power=0.5)
    spec, weights = specification("rnn", "squared", "sgd", 1, lr=schedule, truncation=4)
    spec["activations"] = "recomputed"
    twin = Twin(weights=weights, **spec)
    model = plain(streamrnn.RNNRegressor, hidden_size=N_HIDDEN, dtype="float64", **spec)
    model.set_weights(weights, features=list("abc"))
    run(model, twin, *stream(60))
    xs, ys = stream(60, seed=5)
    model.replay(xs, [math.nan if y is None else y for y in ys], features=list("abc"))
    for x, y in zip(xs, ys, strict=True):
        twin.learn(x, y)
    assert_same_weights(model, twin)


def test_optimizer_objects_bring_their_own_rate():
    spec, weights = specification("rnn", "squared", "sgd", 1, lr=0.03, truncation=4)
    spec["activations"] = "recomputed"
    twin = Twin(weights=weights, **spec)
    del spec["lr"]
    model = plain(
        streamrnn.RNNRegressor,
        hidden_size=N_HIDDEN,
        dtype="float64",
        **spec | {"optimizer": streamrnn.optimizers.SGD(lr=0.03)},
    )
    model.set_weights(weights, features=list("abc"))
    run(model, twin, *stream(60))
    assert_same_weights(model, twin)
    with pytest.raises(ValueError, match="lr"):
        plain(streamrnn.RNNRegressor, optimizer=streamrnn.optimizers.SGD(lr=0.03), lr=0.1)


@pytest.mark.parametrize(
    "robust", [{}, {"scale_clip": 2.0, "scale_memory": 25}], ids=["", "robust"]
)
@pytest.mark.parametrize(("cell", "activations"), [("rnn_relu", "stored"), ("rnn", "recomputed")])
def test_running_scalers(cell, activations, robust):
    """Inputs and targets far from zero, one constant feature, and values that are missing."""
    spec, weights = specification(cell, "squared", "sgd", 1, lr=0.02, clip_norm=1.0)
    spec |= {"truncation": 5, "activations": activations}
    spec |= {"scale_inputs": True, "scale_target": True, **robust}
    twin = Twin(weights=weights, **spec)
    model = plain(streamrnn.RNNRegressor, hidden_size=N_HIDDEN, dtype="float64", **spec)
    model.set_weights(weights, features=list("abc"))
    xs, ys = stream(UPDATES)
    xs = xs * [1.0, 300.0, 0.0] + [50.0, -2000.0, 7.0]
    xs[10, 0], xs[11, 1], xs[30:33, 0] = math.nan, math.inf, -math.inf
    xs[20, 1], xs[25:27, 0] = 1e6, -9999.0
    ys = [None if y is None else 1000 + 40 * y + 1e5 * (t == 40) for t, y in enumerate(ys)]
    run(model, twin, xs, ys)
    assert_same_weights(model, twin)
    assert_same_counters(model, twin)
    assert twin.counters["missing_values"] == 5


def test_reset_state_forgets_the_past_and_keeps_the_weights():
    spec, weights = specification("lstm", "squared", "adam", 2, lr=0.01, truncation=6)
    spec |= {"update_every": 3, "loss_window": 4, "activations": "recomputed"}
    twin = Twin(weights=weights, **spec)
    model = plain(
        streamrnn.RNNRegressor, hidden_size=N_HIDDEN, num_layers=2, dtype="float64", **spec
    )
    model.set_weights(weights, features=list("abc"))
    run(model, twin, *stream(50))
    model.reset_state()
    twin.reset_state()
    run(model, twin, *stream(50, seed=5))
    assert_same_weights(model, twin)


def test_replay_is_the_twin_as_well():
    spec, weights = specification("lstm", "squared", "adam", 1, lr=0.01, truncation=6)
    spec["activations"] = "recomputed"
    twin = Twin(weights=weights, **spec)
    model = plain(streamrnn.RNNRegressor, hidden_size=N_HIDDEN, dtype="float64", **spec)
    model.set_weights(weights, features=list("abc"))
    xs, ys = stream(UPDATES)
    expected = []
    for x, y in zip(xs, ys, strict=True):
        expected.append(twin.predict(x)[0])
        twin.learn(x, y)
    targets = np.array([math.nan if y is None else y for y in ys])
    predictions = model.replay(xs, targets, features=list("abc"))
    np.testing.assert_allclose(predictions, expected, rtol=1e-8, atol=1e-9)
    assert_same_weights(model, twin)


@pytest.mark.parametrize("clipping", [{}, {"clip_norm": 1.0}, {"clip_value": 1.0}])
def test_a_gradient_that_is_not_finite_is_skipped(clipping):
    """The state goes on as if nothing had happened, the weights stay: clipping cannot help here."""
    spec, weights = specification("rnn", "squared", "sgd", 1, lr=0.01, truncation=1, **clipping)
    spec["activations"] = "recomputed"
    weights["head.weight"] *= 1e160  # its square overflows, and with it the error sent back
    twin = Twin(weights=weights, **spec)
    model = plain(streamrnn.RNNRegressor, hidden_size=N_HIDDEN, dtype="float64", **spec)
    model.set_weights(weights, features=list("abc"))
    xs, ys = stream(20)
    with np.errstate(over="ignore", invalid="ignore"):
        for x, y in zip(xs, ys, strict=True):
            twin.learn(x, y)
            model.learn_one(features(x), y)
    assert twin.counters["skipped"] == sum(y is not None for y in ys)
    assert_same_counters(model, twin)
    for name, array in model.get_weights().items():
        np.testing.assert_array_equal(array, weights[name], err_msg=name)
    model.set_weights(weights | {"head.weight": np.ones((1, N_HIDDEN))})
    twin.weights["head.weight"] = np.ones((1, N_HIDDEN))
    expected = twin.predict(xs[0])[0]
    assert model.predict_one(features(xs[0])) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("window", WINDOWS["recomputed"], ids=window_name)
def test_binary_classifier(window):
    spec, weights = specification("gru", "logistic", "adagrad", 1, lr=0.05, l1=1e-3, **window)
    spec["l2"] = 0.02
    twin = Twin(weights=weights, **spec)
    del spec["scale_target"]
    model = plain(streamrnn.RNNClassifier, hidden_size=N_HIDDEN, dtype="float64", **spec)
    model.set_weights(weights, features=list("abc"))
    xs, ys = stream(UPDATES * window["update_every"])
    labels = [None if y is None else y > 0 for y in ys]
    labels[0] = False  # the class that comes first is the 0 of the log loss
    for x, label in zip(xs, labels, strict=True):
        twin.learn(x, None if label is None else float(label))
        model.learn_one(features(x), label)
        logit = twin.predict(x)
        probability = model.predict_proba_one(features(x)).get(True, 0.0)
        if True in labels[: twin.counters["samples"]]:
            assert probability == pytest.approx(1 / (1 + math.exp(-logit[0])), rel=1e-8)
    assert_same_weights(model, twin)


def test_classes_that_arrive_one_by_one():
    """Softmax over the classes seen so far; a new class starts with zero weights and moments."""
    spec, weights = specification("lstm", "cross_entropy", "adamw", 1, lr=0.02, truncation=5)
    weights |= {"head.weight": np.zeros((0, N_HIDDEN)), "head.bias": np.zeros(0)}
    twin = Twin(weights=weights, **spec)
    del spec["scale_target"]
    model = plain(streamrnn.RNNClassifier, hidden_size=N_HIDDEN, dtype="float64", **spec)
    model.set_weights(weights, features=list("abc"))
    xs, ys = stream(UPDATES)
    seen = []
    for t, (x, y) in enumerate(zip(xs, ys, strict=True)):
        label = None if y is None else label_of(y, t)
        if label is not None and label not in seen:
            seen.append(label)
            twin.add_output()
        twin.learn(x, None if label is None else seen.index(label))
        model.learn_one(features(x), label)
        scores = np.exp(twin.predict(x))
        expected = dict(zip(seen, scores / scores.sum(), strict=True))
        assert model.predict_proba_one(features(x)) == pytest.approx(expected, rel=1e-8)
    assert len(seen) == 3
    assert_same_weights(model, twin)


def label_of(y, t):
    if y < -0.5:
        return "low"
    return "high" if y > 0.5 and t > 20 else "middle"


def test_every_loss_and_optimizer_is_used_here():
    used = {word for case in CASES for word in case.split()}
    used |= {"logistic", "adagrad", "cross_entropy", "adamw"}  # the two classifiers
    used |= {"binary_cross_entropy"}  # several labels: see test_sample_weights.py
    assert set(LOSSES) | set(OPTIMIZERS) <= used
