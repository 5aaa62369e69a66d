"""Clipping by units and by what is usual, the pull to the initial weights, shrink and perturb."""

import math

import numpy as np
import pytest
from estimator_helpers import COPIES, SMALL, go_on_alike, model_bytes, plain
from naive import Twin, random_weights
from naive.noise import noise
from naive.noise import threefry as slow_threefry
from test_online_twin import assert_same_counters, assert_same_weights, features, run, stream

from streamrnn import KeyedModel, RNNClassifier, RNNRegressor, layout
from streamrnn.layout import head_weights, initial_parameters, layer_weights
from streamrnn.linalg import Alone
from streamrnn.noise import add_noise, threefry

NO_SCALING = {"scale_inputs": False, "scale_target": False}
OPTIONS = {
    "auto": {"clip_norm": "auto"},
    "units": {"clip_norm": None, "clip_units": 0.02},
    "all clipping": {"clip_norm": "auto", "clip_units": 0.1, "clip_value": 0.2},
    "l2_init": {"clip_norm": 1.0, "l2_init": 0.3},
    "shrink": {"clip_norm": None, "shrink": 0.02},
    "all": {"clip_norm": "auto", "clip_units": 0.05, "l2_init": 0.1, "shrink": 0.01},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("num_layers", [1, 2])
def test_as_the_twin_has_it(options, num_layers):
    spec = {"cell": "lstm", "loss": "squared", "optimizer": "adam", "lr": 0.01, "truncation": 6}
    spec |= {"activations": "recomputed", **NO_SCALING, **options}
    weights = random_weights("lstm", 3, 4, num_layers, seed=8)
    twin = Twin(weights=weights, **spec)
    model = plain(RNNRegressor, hidden_size=4, num_layers=num_layers, dtype="float64", **spec)
    model.set_weights(weights, features=list("abc"))
    run(model, twin, *stream(120))
    assert_same_weights(model, twin)
    assert_same_counters(model, twin)
    if "clip_norm" in options and options["clip_norm"] != 1.0 and "shrink" not in options:
        assert 20 < twin.counters["clipped"] <= twin.counters["updates"]


def test_classes_that_come_later_are_pulled_to_their_own_start():
    spec = {"cell": "lstm", "loss": "cross_entropy", "optimizer": "adam", "lr": 0.02}
    spec |= {"truncation": 5, "scale_inputs": False, "l2_init": 0.05, "activations": "recomputed"}
    weights = random_weights("lstm", 3, 4, 1, seed=8)
    weights |= {"head.weight": np.zeros((0, 4)), "head.bias": np.zeros(0)}
    twin = Twin(weights=weights, **spec, clip_norm=1.0)
    model = plain(RNNClassifier, hidden_size=4, dtype="float64", **spec)
    model.set_weights(weights, features=list("abc"))
    seen = []
    for t, (x, y) in enumerate(zip(*stream(90), strict=True)):
        label = None if y is None else ("high" if y > 0.5 and t > 30 else str(y > 0))
        if label is not None and label not in seen:
            seen.append(label)
            twin.add_output()
        twin.learn(x, None if label is None else seen.index(label))
        model.learn_one(features(x), label)
    assert len(seen) == 3
    assert_same_weights(model, twin)


def test_new_features_are_pulled_to_what_was_drawn_for_them():
    """With no error left to learn from, weights go back to where each of them began."""
    words = {**SMALL, "l2_init": 1.0, "optimizer": "sgd", "clip_norm": None, "dtype": "float64"}
    moved = plain(RNNRegressor, **words, lr=0.05)
    still = plain(RNNRegressor, **words, lr=0.0)
    for t in range(400):
        x = {"a": math.sin(t)} | ({"b": math.cos(t)} if t > 50 else {})
        for model in (moved, still):
            model.learn_one(x, math.sin(t + 1) if t < 100 else 0.0)
    far = 0.0
    for name, start in still.get_weights().items():
        far = max(far, abs(moved.get_weights()[name] - start).max())
        np.testing.assert_array_equal(_initial(moved, name), start)
    assert 0 < far < 0.2


def _initial(model, name):
    from streamrnn import weights

    inner = model._model
    return weights.get(inner.plugins, inner.sizes, initial_parameters(inner.sizes, inner.parts)[0])[
        name
    ]


# --- what is usual


def test_auto_follows_the_tenth_percentile(rng):
    """Gradients of an unlearnable target; later all of them ten times as large."""
    model = plain(RNNRegressor, **SMALL, lr=0.0, clip_norm="auto", **NO_SCALING)
    free = plain(RNNRegressor, **SMALL, lr=0.0, clip_norm=None, **NO_SCALING)
    norms = []
    for t in range(3000):
        x, y = {"a": rng.normal()}, rng.normal() * (10.0 if t >= 1500 else 1.0)
        for one in (model, free):
            one.learn_one(x, y)
        norms.append(np.linalg.norm(free._model.gradient))
        if t in (1499, 2999):
            usual = layout.norms(model._model.sizes, model._model.parts)[0]
            share = np.mean(np.array(norms[-1000:]) < usual)
            assert 0.04 < share < 0.2
            assert np.linalg.norm(model._model.gradient) <= usual * 1.0001
    assert model.counters["clipped"] > 0.7 * 3000


# --- noise


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((2**32 - 1,) * 2, (2**32 - 1,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_known_answers_of_threefry(counter, key, words):
    """Those that its authors publish with it."""
    assert tuple(threefry(*counter, *key)) == words
    assert tuple(slow_threefry(counter, key)) == words


@pytest.mark.interpreted
@pytest.mark.parametrize("n", [0, 1, 2, 7, 64])
def test_noise_as_the_twin_has_it(n):
    values = np.zeros(n)
    add_noise(Alone(), values, 0.3, 5, 100, 17, 2**31 + 3)
    np.testing.assert_allclose(values, noise(n, 0.3, 5, 100, (17, 2**31 + 3)), rtol=1e-12)


def test_noise_has_mean_and_deviation():
    values = noise(4000, 0.3, 1, 0, (1, 2))
    assert abs(values.mean()) < 4 * 0.3 / math.sqrt(4000)
    assert values.std() == pytest.approx(0.3, rel=0.03)


def test_each_update_shrinks_and_perturbs_every_parameter(rng):
    words = {**SMALL, "num_layers": 2, "dtype": "float64", "lr": 0.0, "seed": 2**40 + 7}
    words["optimizer"] = "sgd"
    model = plain(RNNRegressor, **words, shrink=0.1, perturb=0.01)
    model.learn_one({"a": 1.0, "b": 2.0}, None)
    key = np.random.SeedSequence(2**40 + 7).generate_state(2).tolist()
    blocks = _blocks(model)
    expected = [block.copy() for block in blocks]
    for number in (1, 2, 3):
        model.learn_one({"a": rng.normal(), "b": 1.0}, rng.normal())
        place = 0
        for i, block in enumerate(blocks):
            step = noise(block.size, 0.01, number, place, key).reshape(block.shape)
            expected[i] = 0.9 * expected[i] + step
            np.testing.assert_allclose(block, expected[i], rtol=1e-12, atol=1e-15)
            place += -(-block.size // 2)
    total = sum(block.size for block in blocks)
    assert np.count_nonzero(model._model.parts.parameters) == total  # nothing in the gaps


def _blocks(model):
    """The weight matrices with their biases, in their order, and the head."""
    sizes, parameters = model._model.sizes, model._model.parts.parameters
    layers = [layer_weights(sizes, parameters, layer) for layer in range(sizes.num_layers)]
    matrices = [part for weights in layers for part in (weights.inputs, weights.states)]
    return [*matrices, head_weights(sizes, parameters)]


# --- as any option


ALL = {"clip_norm": "auto", "clip_units": 0.02, "l2_init": 1e-3, "shrink": 1e-4, "perturb": 1e-3}


def test_same_seed_same_bits_whoever_runs_it(rng):
    X, y = rng.normal(size=(120, 2)), rng.normal(size=120)
    words = {**SMALL, **ALL}
    single, other = plain(RNNRegressor, **words), plain(RNNRegressor, **words, seed=7)
    for model in (single, other):
        model.replay(X, y, features=["a", "b"])
    assert model_bytes(single) != model_bytes(other)
    for weights in ("own", "shared"):
        keyed = KeyedModel(plain(RNNRegressor, **words), "id", weights=weights)
        keyed.replay(["only"] * 120, X, y, features=["a", "b"])
        assert model_bytes(keyed.extract("only")) == model_bytes(single), weights
    keyed = KeyedModel(plain(RNNRegressor, **words), "id", max_keys=1)  # the others wait on disk
    for x, target in zip(X.tolist(), y.tolist(), strict=True):
        for key in (1, 2):
            keyed.learn_one({"id": key, "a": x[0], "b": x[1]}, target)
    assert model_bytes(keyed.extract(1)) == model_bytes(single)


@pytest.mark.parametrize("how", [*COPIES, "file"])
def test_copies_go_on_alike(how, stream):
    copy = COPIES.get(how, lambda model: RNNRegressor.from_bytes(model.to_bytes()))
    model = plain(RNNRegressor, **SMALL, **ALL, seed=3)
    go_on_alike(model, copy, stream, len(stream) // 2, lambda model, x: model.predict_one(x))


def test_nothing_is_kept_for_options_that_are_off():
    usual = plain(RNNRegressor)._model.sizes
    assert (usual.n_notes, usual.n_initial, usual.n_norms) == (0, 0, 0)
    assert plain(RNNRegressor, shrink=0.1)._model.sizes == usual
    assert plain(RNNRegressor, clip_units=0.1)._model.sizes == usual
    assert plain(RNNRegressor, clip_norm="auto")._model.sizes == usual._replace(n_norms=1)
    assert plain(RNNRegressor, l2_init=0.1)._model.sizes == usual._replace(n_initial=1)
