"""What must hold of heads that learn by themselves, and where changes are predicted."""

import copy
import math
import pickle

import numpy as np
import pytest
from engine_helpers import bits, blueprint, engine, get, learn, put, rls, rows
from estimator_helpers import plain_gradient
from test_head_plugin import Skip
from test_lagged_target import noise
from test_late_targets import tell, wait
from test_rolling import roll

import streamrnn
from streamrnn import KeyedModel, RNNForecaster, RNNMultiTargetRegressor, RNNRegressor, heads
from streamrnn.bank import Bank
from streamrnn.fleet import Fleet
from streamrnn.heads import RLS
from streamrnn.statistics import POSITION

STORED = {"truncation": 5, "activations": "stored"}
RECOMPUTED = {"truncation": 6, "activations": "recomputed", "update_every": 2, "loss_window": 5}
ALGORITHMS = pytest.mark.parametrize(
    "window", [STORED, RECOMPUTED], ids=lambda window: window["activations"]
)
# What estimators have by default, so that it is compiled once for many files.
COMMON = {"cell": "lstm", "loss": "huber", "optimizer": "adam", "n_outputs": 2, "lr": 0.02}
COMMON |= {"scale_inputs": True, "scale_target": True}
KINDS = {
    "rls": {"head": rls(lags=3, forgetting=0.99)},
    "rls, change": {"head": rls(lags=3), "predict_change": True, "scale_clip": 4.0},
    "rls, series": {"head": rls(lags=3), "predict_change": True, "is_series": True},
    "skip": {"head": heads.registry()["linear_skip"], "lagged_target": True},
    "change": {"predict_change": True, "lagged_target": True},
}
ALL = pytest.mark.parametrize("kind", KINDS)


def words(kind, window=STORED, **more):
    """Of a model in the precision of the estimators where activations are stored."""
    dtype = "float32" if window is STORED else "float64"
    return {**COMMON, "dtype": dtype, **KINDS[kind], **window, **more}


def stream(rng, length=40):
    X, Y = noise(length, rng)
    return X, Y + np.cumsum(rng.normal(size=length))[:, None]


@ALL
@ALGORITHMS
def test_a_target_that_comes_at_once_may_be_told_afterwards(kind, window, rng):
    one, other = (engine(num_layers=2, **words(kind, window)) for _ in range(2))
    for t, (x, y) in enumerate(zip(*stream(rng), strict=True)):
        if t % 2 and np.isfinite(y).any():
            wait(other, x)
            tell(other, 0, y, 0.5)
        else:
            learn(other, x, y, 0.5)
        learn(one, x, y, 0.5)
        assert bits(one) == bits(other)
    assert one.counters["updates"] > 10


@ALL
@ALGORITHMS
def test_blocks_and_banks_have_the_bits_of_single_samples(kind, window, rng):
    X, Y = stream(rng)
    single, block = engine(**words(kind, window)), engine(**words(kind, window))
    expected = np.array([learn(single, x, y) for x, y in zip(X, Y, strict=True)])
    out = np.empty((40, 2))
    block.run(X, rows(Y), out, True)
    assert out.tobytes() == expected.tobytes()
    assert bits(block) == bits(single)
    bank = Bank(blueprint(**words(kind, window)))
    bank.grow(3, 2)
    slots = np.array([bank.take(), bank.take()])
    both = np.empty((40, 2))
    bank.run_groups(slots, np.array([0, 40, 40]), X, rows(Y), both, 1)
    assert both.tobytes() == expected.tobytes()
    bank.select(slots[0])
    assert bits(bank) == bits(single) == bits(bank.alone())


@pytest.mark.parametrize("kind", ["skip", "change"])
def test_of_streams_with_shared_weights(kind, rng):
    single, fleet = engine(**words(kind)), Fleet(blueprint(**words(kind)))
    fleet.grow(3, 2)
    fleet.select(fleet.take())
    for x, y in zip(*stream(rng), strict=True):
        assert learn(single, x, y).tolist() == learn(fleet, x, y).tolist()
    X = rng.normal(size=(5, 3))
    assert roll(single, X).tobytes() == roll(fleet, X).tobytes()


def test_streams_cannot_share_a_covariance():
    with pytest.raises(ValueError, match="head='rls' keeps a memory of its own"):
        Fleet(blueprint(head=rls()))


@ALL
def test_looking_and_rolling_change_no_byte(kind, rng):
    model = engine(**words(kind))
    X, Y = stream(rng)
    for x, y in zip(X, Y, strict=True):
        before = bits(model)
        model.row[:] = x
        model.run_one(False)
        assert bits(model) == before
        first = roll(model, X[:4])
        assert bits(model) == before
        assert np.isfinite(first).all()
        learn(model, x, y)


@ALL
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_go_on_bit_for_bit(kind, copied, rng):
    X, Y = stream(rng)
    model = engine(**words(kind))
    for x, y in zip(X[:20], Y[:20], strict=True):
        learn(model, x, y)
    other = copied(model)
    for x, y in zip(X[20:], Y[20:], strict=True):
        assert learn(other, x, y).tolist() == learn(model, x, y).tolist()
    assert bits(other) == bits(model)


@pytest.mark.parametrize("kind", ["rls", "rls, change"])
def test_a_window_that_is_forgotten_is_not_read(kind, rng):
    """After a reset two models that learnt the same see the same, whatever came last."""
    X, Y = stream(rng)
    model = engine(**words(kind))
    for x, y in zip(X, Y, strict=True):
        learn(model, x, y)
    other = copy.deepcopy(model)
    for x in X[:3]:  # steps without targets: nothing is learnt but the scaling of the features
        learn(model, x, None)
        learn(other, -x, None)
    other.statistics[:] = model.statistics
    assert model.arena.tobytes() != other.arena.tobytes()
    for each in (model, other):
        each.reset_state()
    for x, y in zip(X[:8], Y[:8], strict=True):
        assert learn(model, x, y).tolist() == learn(other, x, y).tolist()


class TestGrowth:
    @pytest.mark.parametrize("kind", [kind for kind in KINDS if "series" not in kind])
    @ALGORITHMS
    def test_a_feature_that_is_never_seen_changes_nothing(self, kind, window, rng):
        options = words(kind, window, dtype="float64")
        one, other = engine(**options), engine(**options)
        for t, (x, y) in enumerate(zip(*stream(rng), strict=True)):
            if t == 20:
                other.grow(5, 2)
            expected = learn(one, x, y)
            found = learn(other, x if t < 20 else [*x, math.nan, math.nan], y)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)

    @pytest.mark.parametrize("kind", ["rls", "rls, change", "skip", "change"])
    @ALGORITHMS
    def test_a_target_that_is_never_told_changes_nothing(self, kind, window, rng):
        """But for what the network draws for it, where it sees the last target."""
        options = words(kind, window, dtype="float64", lagged_target=False)
        one, other = engine(**options), engine(**options)
        for t, (x, y) in enumerate(zip(*stream(rng), strict=True)):
            if t == 20:
                other.grow(3, 3)
            expected = learn(one, x, y)
            found = learn(other, x, y if t < 20 else [*y, math.nan])
            np.testing.assert_allclose(found[:2], expected, rtol=0, atol=1e-9)
        assert np.isfinite(found).all()

    @ALGORITHMS
    def test_a_class_that_comes_later_leaves_the_others_their_odds(self, window, rng):
        options = {"loss": "cross_entropy", "n_outputs": 2, "head": rls(lags=3), **window}
        model = engine(**options)
        for _ in range(30):
            x = rng.normal(size=3)
            learn(model, x, float(x[0] > 0))
        model.row[:] = x
        model.run_one(False)
        before = model.answer.copy()
        model.grow(4, 3)
        model.row[:] = [*x, math.nan]
        model.run_one(False)
        after = model.answer.copy()
        assert after[0] / after[1] == pytest.approx(before[0] / before[1], rel=1e-12)
        for i in range(30):
            x = rng.normal(size=4)
            learn(model, x, float(i % 3))
        assert model.answer.sum() == pytest.approx(1.0, rel=1e-12)

    def test_the_least_squares_head_starts_new_columns_from_its_prior(self):
        model = engine(head=rls(lags=2, ridge=4.0, decay=1.0), n_inputs=1)
        fresh = engine(head=rls(lags=2, ridge=4.0, decay=1.0), n_inputs=3)
        model.grow(3, 1)
        assert bits(model) == bits(fresh)


@pytest.mark.parametrize("head", ["rls", "linear_skip"])
def test_the_gradient_is_that_of_a_head_that_stays(head, rng):
    """Read with the weights that it has after all it learnt."""
    T = 5
    numbers = {"hidden_size": 3, **plain_gradient(T)}
    words = {"cell": "gru", "head": rls(lags=2) if head == "rls" else heads.registry()[head]}
    words |= {"truncation": T, "update_every": T, "loss_window": T, "lr": 0.0}
    X, y = rng.normal(size=(T, 3)), rng.normal(size=T)
    first = engine(**words)
    put(first, {name: rng.normal(size=array.shape) / 2 for name, array in get(first).items()})
    assert numbers["lr"] == 0.0
    for _ in range(6):  # so that the head has weights
        x = rng.normal(size=3)
        learn(first, x, x[0])
    first.reset_state()
    first.statistics[0] = 0  # the next update comes after T samples

    def run(weights):
        """The mean loss of a block, by a head that does not learn; and the model after it."""
        model = copy.deepcopy(first)
        put(model, weights)
        total = 0.0
        for x, target in zip(X, y, strict=True):
            memory = model.parts.head_memory.copy()
            total += (learn(model, x, target)[0] - target) ** 2
            if model.counters["samples"] < T:
                model.parts.head_memory[:] = memory
        return model, total / T

    weights = get(first)
    model, _ = run(weights)
    found = {name: array.copy() for name, array in _named(model, model.gradient).items()}
    assert max(abs(array).max() for array in found.values()) > 1e-3
    for name, gradient in found.items():
        for index in np.ndindex(gradient.shape):
            losses = []
            for step in (1e-6, -1e-6):
                moved = {key: array.copy() for key, array in weights.items()}
                moved[name][index] += step
                losses.append(run(moved)[1])
            numeric = (losses[0] - losses[1]) / 2e-6
            assert gradient[index] == pytest.approx(numeric, abs=1e-7), (name, index)


def _named(model, vector):
    from streamrnn import weights

    return weights.get(model.plugins, model.sizes, vector)


def test_linear_skip_is_linear_over_both(rng):
    """As the head of the tests has it, which is written otherwise."""
    one = engine(head=heads.registry()["linear_skip"], lagged_target=True)
    other = engine(head=Skip, lagged_target=True)
    for x in rng.normal(size=(40, 3)):
        np.testing.assert_allclose(learn(one, x, x[0]), learn(other, x, x[0]), atol=1e-12)


def test_rolling_goes_on_from_what_is_answered_not_from_what_lies_beyond_the_clip():
    model = engine(**COMMON, **STORED, lagged_target=True, scale_clip=4.0)
    for t in range(20):
        learn(model, [t % 3], [t % 5, t % 4])
    put(model, {"head.bias": [50.0, -50.0]})
    with model.rolling():
        model.roll_one()
        newest = int(model.statistics[POSITION] - 1) % STORED["truncation"]
        assert model.parts.targets[newest].tolist() == [4.0, -4.0, 1.0]


def test_the_clip_does_not_bind_changes_in_the_targets_own_units():
    model = RNNForecaster(hidden_size=4, truncation=8, scale_target=False)
    for t in range(1000):
        model.learn_one(1000.0 * (t % 4))
    # Some are less than 1000, as not all is learnt; bound, each would be 4.
    assert (np.diff(model.forecast(4)) > 500.0).all()


@pytest.mark.parametrize("n_threads", [2, 3])
def test_wide_models_with_threads_have_the_same_bits(n_threads, rng):
    options = words("rls, change", hidden_size=256)
    one, other = engine(**options), engine(**options)
    one._n_threads, other._n_threads = 1, n_threads
    X, Y = stream(rng, 30)
    outs = np.empty((30, 2)), np.empty((30, 2))
    for model, out in zip((one, other), outs, strict=True):
        model.run(X, rows(Y), out, True)
    assert outs[0].tobytes() == outs[1].tobytes()
    assert bits(one) == bits(other)


@pytest.mark.parametrize("max_keys", [None, 2])
def test_keys_have_the_bits_of_estimators_of_their_own(max_keys, rng):
    """Those that are set aside on disk, too."""
    numbers = {"hidden_size": 4, "truncation": 4, "head": "rls", "predict_change": True}
    many = KeyedModel(RNNRegressor(**numbers), key="id", max_keys=max_keys)
    single = {key: RNNRegressor(**numbers) for key in range(3)}
    for i in range(90):
        key, x = int(rng.integers(0, 3)), {"a": math.sin(i), "b": rng.normal()}
        assert many.predict_one({**x, "id": key}) == single[key].predict_one(x)
        many.learn_one({**x, "id": key}, key + i + x["b"])
        single[key].learn_one(x, key + i + x["b"])


def test_a_feature_of_one_key_leaves_the_others_alone(rng):
    numbers = {"hidden_size": 4, "truncation": 4, "head": "rls", "predict_change": True}
    many = KeyedModel(RNNRegressor(**numbers, dtype="float64"), key="id", max_keys=2)
    single = {key: RNNRegressor(**numbers, dtype="float64") for key in range(3)}
    for i in range(90):
        key, x = i % 3, {"a": math.sin(i)}
        if i > 30 and key == 1:
            x |= {"late": rng.normal()}
        if i > 45:
            expected = pytest.approx(single[key].predict_one(x), rel=1e-9)
            assert many.predict_one({**x, "id": key}) == expected
        many.learn_one({**x, "id": key}, key + i + 3 * x.get("late", 0.0))
        single[key].learn_one(x, key + i + 3 * x.get("late", 0.0))


def test_files_keep_it():
    model = RNNRegressor(hidden_size=4, truncation=4, head="rls", predict_change=True)
    for i in range(30):
        model.learn_one({"a": math.sin(i)}, i + math.cos(i))
    other = streamrnn.from_bytes(model.to_bytes())
    for i in range(30, 60):
        x = {"a": math.sin(i), "new": i}
        assert other.predict_one(x) == model.predict_one(x)
        for each in (model, other):
            each.learn_one(x, i + math.cos(i))
    assert other.to_bytes() == model.to_bytes()


@pytest.mark.parametrize("every", [20, None])
def test_a_target_told_rarely_or_late_is_learnt_all_the_same(every, rng):
    """Other targets teach the certainty that all share; it must not pass for that one's."""
    head = RLS(lags=0)
    model = RNNMultiTargetRegressor(head=head, predict_change=False, hidden_size=8, truncation=8)
    wrong = []
    for t in range(3000):
        x = {"a": rng.normal(), "b": rng.normal()}
        told = t % every == 0 if every else t > 2000
        y = {"always": x["a"] + x["b"]} | ({"rare": 5 + x["a"] - x["b"]} if told else {})
        predicted = model.predict_one(x).get("rare", 0.0)
        wrong.append(abs(predicted - (5 + x["a"] - x["b"])))
        model.learn_one(x, y)
    assert np.mean(wrong[-300:]) < 0.2
