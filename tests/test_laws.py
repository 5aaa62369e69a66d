"""Laws that every registered plug-in obeys; no test here names one."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from engine_helpers import engine, learn
from estimator_helpers import plain, plain_gradient

from streamrnn import RNNClassifier, RNNRegressor, cells, gradients, heads, losses, optimizers
from streamrnn.growth import shape_of_head
from streamrnn.layout import Sizes
from streamrnn.linalg import Alone
from streamrnn.losses.protocol import LEAST_ERROR, curvature, decode, slope, value
from streamrnn.motion import Step
from streamrnn.team import move
from streamrnn.updates import in_pace

LOSSES = losses.registry()
REGRESSION = [name for name, loss in LOSSES.items() if loss.task == "regression"]
CLASSIFICATION = [name for name, loss in LOSSES.items() if loss.task == "classification"]
MULTILABEL = [name for name, loss in LOSSES.items() if loss.task == "multilabel"]


# --- losses, as plain Python: what is compiled is the same function


def _example(loss, rng):
    if loss.task == "regression":
        return rng.normal(size=3), rng.normal(size=3)
    if loss.task == "multilabel":
        return rng.normal(size=3), rng.integers(0, 2, 3).astype(float)
    n = loss.n_outputs(2)
    return rng.normal(size=n), np.array([1.0])


@pytest.mark.interpreted
@pytest.mark.parametrize("name", LOSSES)
def test_slope_is_the_derivative_of_the_value(name, rng):
    loss = LOSSES[name]()
    for _ in range(20):
        z, target = _example(loss, rng)
        d_z = np.empty_like(z)
        slope(loss, z, target, d_z)
        for k in range(z.size):
            up, down = z.copy(), z.copy()
            up[k] += 1e-6
            down[k] -= 1e-6
            numeric = (value(loss, up, target) - value(loss, down, target)) / 2e-6
            assert d_z[k] == pytest.approx(numeric, abs=1e-6)


@pytest.mark.interpreted
@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("number", [None, 0.3])
def test_the_parabola_of_the_curvature_lies_above_the_loss(name, number, rng):
    """So a Newton step cannot go too far; where it touches, it has the slope of the loss."""
    kind = LOSSES[name]
    loss = kind() if number is None else kind(*[number] * len(kind._fields))
    for _ in range(200):
        z, target, d_z = rng.normal(size=1) * 3, rng.normal(size=1), np.empty(1)
        if abs(z - target) < LEAST_ERROR:
            continue  # a corner
        slope(loss, z, target, d_z)
        step = rng.normal() * 3
        above = value(loss, z, target) + d_z[0] * step + curvature(loss, z, target) * step**2 / 2
        assert value(loss, z + step, target) <= above + 1e-9


@pytest.mark.interpreted
@pytest.mark.parametrize("name", [*CLASSIFICATION, *MULTILABEL])
def test_curvature_is_the_mean_derivative_of_the_slope(name, rng):
    """But where the loss bends less than one that is sure to a fiftieth."""
    loss = LOSSES[name]()
    for _ in range(20):
        z, target = _example(loss, rng)
        found = 0.0
        for k in range(z.size):
            slopes = np.empty((2, z.size))
            for step, d_z in zip((1e-6, -1e-6), slopes, strict=True):
                moved = z.copy()
                moved[k] += step
                slope(loss, moved, target, d_z)
            found += max((slopes[0, k] - slopes[1, k]) / 2e-6, 0.02 * 0.98) / z.size
        assert curvature(loss, z, target) == pytest.approx(found, rel=1e-6)


@pytest.mark.interpreted
@pytest.mark.parametrize("name", LOSSES)
def test_curvature_is_positive_and_finite_and_of_the_known_alone(name, rng):
    loss = LOSSES[name]()
    for size in (0.0, 1.0, 1e4, 1e30):
        z, target = _example(loss, rng)
        assert 0 < curvature(loss, z * size, target) < math.inf
    if loss.task != "classification":
        assert curvature(loss, z, np.append(target[:1], [math.nan] * 2)) == pytest.approx(
            curvature(loss, z[:1], target[:1]), rel=1e-12
        )


@pytest.mark.interpreted
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_values_are_not_negative_and_finite(name, size, rng):
    loss = LOSSES[name]()
    z, target = _example(loss, rng)
    z *= size
    d_z = np.empty_like(z)
    slope(loss, z, target, d_z)
    assert 0 <= value(loss, z, target) < math.inf
    assert np.isfinite(d_z).all()


@pytest.mark.interpreted
@pytest.mark.parametrize("name", CLASSIFICATION)
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_decoded_classes_are_a_distribution(name, size, rng):
    loss = LOSSES[name]()
    out = np.empty(2)
    decode(loss, rng.normal(size=loss.n_outputs(2)) * size, out)
    assert out.min() >= 0
    assert out.sum() == pytest.approx(1, rel=1e-12)


@pytest.mark.interpreted
@pytest.mark.parametrize("name", MULTILABEL)
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_decoded_labels_are_probabilities(name, size, rng):
    loss = LOSSES[name]()
    z, out = rng.normal(size=3) * size, np.empty(3)
    decode(loss, z, out)
    assert ((out >= 0) & (out <= 1)).all()
    assert ((out > 0.5) == (z > 0)).all()


@pytest.mark.interpreted
@pytest.mark.parametrize("name", [*REGRESSION, *MULTILABEL])
def test_no_target_reaches_the_slope_of_another(name, rng):
    loss = LOSSES[name]()
    z, target = _example(loss, rng)
    expected, found = np.empty(3), np.empty(3)
    slope(loss, z, target, expected)
    for k in range(3):
        some = target.copy()
        some[k] = math.nan
        slope(loss, z, some, found)
        assert np.delete(found, k).tobytes() == np.delete(expected, k).tobytes()


# --- optimizers


def _move(optimizer, lr, t, parameters, gradient, memory, loss):
    """One update, as the engine makes it; of the error it only matters that it is none of 0."""
    window = np.array([loss, 1.0])
    work = SimpleNamespace(gradient=gradient, window=window)
    step = in_pace(optimizer, Alone(), memory.sizes, Step(lr, t), 1.0, memory, work)
    move(Alone(), optimizer, step, parameters, gradient, memory.slots)


def _memory(kind, size):
    slots, notes = np.zeros((kind.n_slots, size)), np.zeros(getattr(kind, "n_notes", 0))
    sizes = Sizes(n_notes=notes.size)
    return SimpleNamespace(slots=slots, further=notes, sizes=sizes)


@pytest.mark.interpreted
@pytest.mark.parametrize("name", optimizers.registry())
def test_optimizer_descends_a_parabola(name):
    kind = optimizers.registry()[name]
    optimizer = kind(lr=0.05)
    curvature = np.array([1.0, 3.0, 0.5])
    parameters = np.array([1.0, -2.0, 0.5])
    memory = _memory(kind, 3)
    start = 0.5 * (curvature * parameters**2).sum()
    for t in range(1, 1001):
        loss = 0.5 * (curvature * parameters**2).sum()
        _move(optimizer, 0.05, t, parameters, curvature * parameters, memory, loss)
    assert 0.5 * (curvature * parameters**2).sum() < 0.05 * start


@pytest.mark.interpreted
@pytest.mark.parametrize("name", optimizers.registry())
def test_optimizer_leaves_parameters_without_gradient_alone(name):
    kind = optimizers.registry()[name]
    parameters = np.array([1.0, 0.0])
    _move(kind(), 0.1, 1, parameters, np.zeros(2), _memory(kind, 2), loss=1.0)
    assert parameters.tolist() == [1.0, 0.0]


# --- cells and gradient algorithms: central differences through the whole engine


def _windowed_loss(model, weights, X, y):
    """Return the mean loss over a whole stream, with these weights throughout."""
    fixed = plain(RNNRegressor, **model)
    fixed.set_weights(weights, features=["a", "b"])
    predictions = fixed.replay(X, y, features=["a", "b"])
    return np.mean((predictions - y) ** 2)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", cells.registry())
def test_gradient_is_the_derivative_of_the_loss(cell, num_layers, rng):
    T = 6
    arguments = {"cell": cell, "hidden_size": 3, "num_layers": num_layers, **plain_gradient(T)}
    X, y = rng.normal(size=(T, 2)), rng.normal(size=T)
    model = plain(RNNRegressor, **arguments)
    model.replay(X, y, features=["a", "b"])
    weights, gradients_ = model.get_weights(), model._gradients()
    for name, array in weights.items():
        for i in np.ndindex(array.shape):
            sides = []
            for change in (1e-6, -1e-6):
                moved = {key: copy.copy() for key, copy in weights.items()}
                moved[name][i] += change
                sides.append(_windowed_loss(arguments, moved, X, y))
            numeric = (sides[0] - sides[1]) / 2e-6
            assert gradients_[name][i] == pytest.approx(numeric, abs=1e-7), (name, i)


@pytest.mark.parametrize("algorithm", gradients.registry())
@pytest.mark.parametrize("num_layers", [1, 2])
def test_predictions_and_repetitions_of_them_change_nothing(algorithm, num_layers, stream):
    models = [
        plain(
            RNNRegressor, hidden_size=5, truncation=4, num_layers=num_layers, activations=algorithm
        )
        for _ in range(2)
    ]
    for t, (x, y) in enumerate(stream):
        for _ in range(t % 3):
            models[1].predict_one(x)
        for model in models:
            model.learn_one(x, y)
    assert models[0]._model.arena.tobytes() == models[1]._model.arena.tobytes()
    assert models[0]._model.statistics.tobytes() == models[1]._model.statistics.tobytes()


@pytest.mark.parametrize("name", heads.registry())
def test_heads_start_at_the_mean(name, stream):
    words = {"head": name, "loss": RNNRegressor().loss, "hidden_size": 4, "truncation": 4}
    model = plain(RNNRegressor, **words, lr=0.0)
    if model._model.blueprint.sized(3, 1).n_head_memory:
        stream = stream[:1]  # it learns at any rate, but of one target only the mean is known
    for x, y in stream:
        model.learn_one(x, y)
    inner = model._model
    inner.parts.head_memory[:] = 0  # what heads learn other than by gradient takes no rate
    inner.plugins.head.start_memory(shape_of_head(inner.sizes), inner.parts.head_memory)
    assert model.predict_one(stream[0][0]) == pytest.approx(np.mean([y for _, y in stream]))


# --- all together. Every combination of types is compiled anew, so each plug-in is seen in some
# combination, not in every one.


class Labels:
    """A model of one label, which holds or does not, used as a classifier is."""

    def __init__(self, **words):
        self.model = engine(n_outputs=1, scale_inputs=True, dtype="float32", **words)

    def predict_one(self, x):
        self.model.row[:] = [x[name] for name in "abc"]
        self.model.run_one(False)
        return self.model.answer[0] > 0.5

    def learn_one(self, x, y):
        learn(self.model, [x[name] for name in "abc"], float(y))

    @property
    def counters(self):
        return self.model.counters


def _combinations():
    registries = [r.registry() for r in (cells, heads, losses, optimizers, gradients)]
    for i in range(max(map(len, registries))):
        yield tuple(list(registry)[i % len(registry)] for registry in registries)


@pytest.mark.parametrize(
    ("cell", "head", "loss", "optimizer", "activations"), list(_combinations())
)
def test_every_plugin_learns_in_the_engine(cell, head, loss, optimizer, activations, stream):
    regression = loss in REGRESSION
    kind = RNNRegressor if regression else Labels if loss in MULTILABEL else RNNClassifier
    model = plain(
        kind,
        cell=cell,
        head=heads.registry()[head],
        loss=loss,
        optimizer=optimizer,
        activations=activations,
        hidden_size=8,
        truncation=4,
        lr=0.02,
    )

    errors = []
    for epoch in range(40):
        for x, _ in stream:
            target = x["a"] if regression else x["a"] > 0
            if epoch >= 35:
                prediction = model.predict_one(x)
                errors.append(abs(prediction - target) if regression else prediction != target)
            model.learn_one(x, target)
    assert model.counters["updates"] == 40 * len(stream)
    guess = np.mean([abs(x["a"]) for x, _ in stream]) if regression else 0.5
    assert np.mean(errors) < 0.5 * guess
