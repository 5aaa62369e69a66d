"""The River estimators: River's contract, and what users of a recurrent model need beyond it."""

import copy
import datetime as dt
import math
import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from river import checks, compose, datasets, ensemble, evaluate, metrics, optim, preprocessing

from streamrnn import RNNClassifier, RNNRegressor, cells, gradients, losses, optimizers

SMALL = {"hidden_size": 6, "truncation": 5}


def _bytes(model):
    return model._model.arena.tobytes() + model._model.statistics.tobytes()


def _rivers_checks():
    for estimator in (RNNRegressor(**SMALL), RNNClassifier(**SMALL)):
        for i, check in enumerate(checks.yield_checks(estimator)):
            label = f"{type(estimator).__name__}-{check.__name__}-{i}"
            yield pytest.param(estimator, check, id=label)


@pytest.mark.parametrize(("estimator", "check"), list(_rivers_checks()))
def test_rivers_checks(estimator, check):
    assert not estimator._unit_test_skips()
    check(estimator.clone())


@pytest.fixture(params=["regressor", "classifier"])
def case(request, stream):
    """An estimator and a stream with targets of its kind."""
    if request.param == "regressor":
        return RNNRegressor(**SMALL), stream
    labels = ["low", 7, ("high", 1)]
    return RNNClassifier(**SMALL), [(x, labels[int(3 * y) % 3]) for x, y in stream]


# --- predicting changes nothing


def test_predicting_leaves_the_model_byte_identical(case):
    model, stream = case
    methods = [model.predict_one]
    if isinstance(model, RNNClassifier):
        methods.append(model.predict_proba_one)
    for x, y in stream:
        before, frozen = pickle.dumps(model), _bytes(model)
        for odd in (x, {}, {"new": 1.0}, {**x, "a": None}, {"a": math.nan}):
            for method in methods:
                method(odd)
        assert pickle.dumps(model) == before
        assert _bytes(model) == frozen
        model.learn_one(x, y)


def test_unlabelled_samples_advance_the_state_and_teach_nothing(case):
    model, stream = case
    for x, y in stream:
        model.learn_one(x, y)
    before = model.get_weights()
    state = model._model.parts.state.copy()
    for x, _ in stream[:3]:
        model.learn_one(x, None)
    after = model.get_weights()
    assert all((before[name] == after[name]).all() for name in before)
    assert (state != model._model.parts.state).any()
    assert model.counters["samples"] == len(stream) + 3
    assert model.counters["missing_targets"] == 3


@pytest.mark.parametrize("y", [math.nan, math.inf, 1e300])
def test_unusable_targets_are_counted_and_harmless(y, stream):
    model = RNNRegressor(**SMALL, scale_target=y != 1e300)
    for x, target in stream:
        model.learn_one(x, target)
    before = model.get_weights()
    model.learn_one(stream[0][0], y)
    after = model.get_weights()
    assert all((before[name] == after[name]).all() for name in before)
    assert model.counters["missing_targets"] == 1
    assert math.isfinite(model.predict_one(stream[0][0]))


# --- the block form


@pytest.mark.parametrize("block", [1, 7, 40])
def test_replay_is_the_loop_bit_for_bit(case, block):
    looped, stream = case
    replayed = looped.clone()
    expected = []
    for x, y in stream:
        expected.append(looped.predict_one(x))
        looped.learn_one(x, y)
    got = []
    for start in range(0, len(stream), block):
        rows = stream[start : start + block]
        # Columns in another order than the model's.
        X = np.array([[x["c"], x["a"], x["b"]] for x, _ in rows])
        got.extend(replayed.replay(X, [y for _, y in rows], features=["c", "a", "b"]))
    assert got == expected
    assert _bytes(looped) == _bytes(replayed)


def test_replay_with_gaps_and_unscaled_foreign_weights_is_the_loop(stream):
    arguments = {**SMALL, "scale_inputs": False, "scale_target": False, "init": "torch"}
    looped, replayed = RNNRegressor(**arguments), RNNRegressor(**arguments)
    X = np.array([list(x.values()) for x, _ in stream])
    X[3, 1] = X[7:9] = math.nan
    y = [None if t % 5 == 4 else target for t, (_, target) in enumerate(stream)]
    expected = []
    for row, target in zip(X, y, strict=True):
        x = dict(zip("abc", row, strict=True))
        expected.append(looped.predict_one(x))
        looped.learn_one(x, target)
    got = replayed.replay(pd.DataFrame(X, columns=list("abc")), pd.Series(y, dtype=object))
    assert got.tolist() == expected
    assert _bytes(looped) == _bytes(replayed)


def test_replay_of_nothing_changes_nothing(case):
    model, _ = case
    before = _bytes(model)
    assert len(model.replay(np.empty((0, 3)), [], features=["a", "b", "c"])) == 0
    assert _bytes(model) == before


@pytest.mark.parametrize(
    ("X", "y", "features", "message"),
    [
        (np.zeros((3, 2)), [1, 2], None, "3 rows, but y has 2"),
        (np.zeros((3, 2)), [1, 2, 3], ["a"], "2 columns, but features names 1"),
        (np.zeros((3, 2)), [1, 2, 3], ["a", "a"], "a name twice"),
        (np.zeros(3), [1, 2, 3], None, "shape"),
        (pd.DataFrame({"a": [1.0]}), [1], ["b"], "not columns"),
        (pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), [1], None, "a name twice|unique"),
    ],
)
def test_replay_says_what_does_not_fit(X, y, features, message):
    model = RNNRegressor(**SMALL)
    before = _bytes(model)
    with pytest.raises(ValueError, match=message):
        model.replay(X, y, features=features)
    assert _bytes(model) == before


def test_replay_names_the_column_that_is_text():
    frame = pd.DataFrame({"a": [1.0, 2.0], "wind": ["NW", "SE"]})
    with pytest.raises(TypeError, match=r"feature 'wind' is 'NW', a str.*OneHotEncoder"):
        RNNRegressor(**SMALL).replay(frame, [1, 2])


# --- copies go on as the original would


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda model: pickle.loads(pickle.dumps(model)),
        copy.deepcopy,
        lambda model: model.clone(include_attributes=True),
    ],
    ids=["pickle", "deepcopy", "clone"],
)
@pytest.mark.parametrize("at", [0, 3, 17])
def test_copies_go_on_bit_equal(case, duplicate, at):
    model, stream = case
    for x, y in stream[:at]:
        model.learn_one(x, y)
    other = duplicate(model)
    assert _bytes(other) == _bytes(model)
    for x, y in stream[at:]:
        assert other.predict_one(x) == model.predict_one(x)
        model.learn_one(x, y)
        other.learn_one(x, y)
    assert _bytes(other) == _bytes(model)


def test_a_pickle_does_not_hold_compiled_code_or_scratch(stream):
    model = RNNRegressor(**SMALL)
    for x, y in stream:
        model.learn_one(x, y)
    assert len(pickle.dumps(model)) < model._model.arena.nbytes + 4000
    assert model._raw_memory_usage < 100_000


def test_same_seed_same_bits_in_another_process_and_with_another_hash_seed(tmp_path):
    script = (
        "from streamrnn import RNNRegressor\n"
        "model = RNNRegressor(hidden_size=6, truncation=5)\n"
        "for t in range(30):\n"
        "    model.learn_one({'b': t % 3, 'a': t % 5, ('c', 1): t % 2}, t % 7)\n"
        "print(model.predict_one({'a': 1, 'b': 2}).hex())\n"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "12345")
    }
    assert len(answers) == 1


def test_seeds_differ_and_none_draws_one(stream):
    def weights(seed):
        model = RNNRegressor(**SMALL, seed=seed)
        model.learn_one(*stream[0])
        return model.get_weights()["weight_ih_l0"]

    assert (weights(1) == weights(1)).all()
    assert (weights(1) != weights(2)).any()
    assert (weights(None) != weights(None)).any()


# --- features


def test_the_order_of_features_is_no_matter(stream):
    one, other = RNNRegressor(**SMALL), RNNRegressor(**SMALL)
    for x, y in stream:
        one.learn_one(x, y)
        other.learn_one(dict(reversed(x.items())), y)
    assert _bytes(one) == _bytes(other)


def test_a_new_feature_keeps_what_was_learnt(stream):
    model = RNNRegressor(**SMALL)
    for x, y in stream:
        model.learn_one({"b": x["b"]}, y)
    before, prediction = model.get_weights(), model.predict_one({"b": 0.5})
    model.learn_one({"b": 0.1, "a": 3.0, "z": 1.0}, None)
    after = model.get_weights()
    assert model.feature_names == ["b", "a", "z"]
    assert (after["weight_ih_l0"][:, 0] == before["weight_ih_l0"][:, 0]).all()
    assert (after["weight_hh_l0"] == before["weight_hh_l0"]).all()
    assert (after["weight_ih_l0"][:, 1:] != 0).any()
    assert math.isfinite(prediction)


@pytest.mark.parametrize("activations", gradients.registry())
def test_a_feature_that_never_comes_changes_nothing(stream, activations):
    """A column that is grown in mid-window and stays missing leaves predictions as they were."""
    plain = RNNRegressor(**SMALL, activations=activations, clip_norm=None)
    grown = RNNRegressor(**SMALL, activations=activations, clip_norm=None)
    for t, (x, y) in enumerate(stream):
        plain.learn_one(x, y)
        grown.learn_one({**x, "ghost": None} if t == 12 else x, y)
        assert grown.predict_one(x) == pytest.approx(plain.predict_one(x), rel=1e-4)
    assert grown.counters["missing_values"] == len(stream) - 12


@pytest.mark.parametrize("gap", [None, math.nan, math.inf, pd.NA, np.float32("nan")])
def test_gaps_are_counted_and_never_reach_a_weight(stream, gap):
    model = RNNRegressor(**SMALL)
    for t, (x, y) in enumerate(stream):
        model.learn_one({**x, "a": gap} if t % 2 else x, y)
    assert model.counters["missing_values"] == len(stream) // 2
    assert all(np.isfinite(array).all() for array in model.get_weights().values())


def test_numbers_of_other_types_are_numbers(stream):
    from decimal import Decimal
    from fractions import Fraction

    plain, odd = RNNRegressor(**SMALL), RNNRegressor(**SMALL)
    plain.learn_one({"a": 1.0, "b": 0.5, "c": 1.0, "d": 2.0}, 1.0)
    odd.learn_one({"a": True, "b": Fraction(1, 2), "c": Decimal(1), "d": np.int8(2)}, np.float32(1))
    assert _bytes(plain) == _bytes(odd)


@pytest.mark.parametrize("value", ["NW", b"x", dt.datetime(2026, 1, 1), [1.0], {}])
def test_what_is_no_number_is_refused_and_loses_nothing(case, value):
    model, stream = case
    for x, y in stream[:5]:
        model.learn_one(x, y)
    before = pickle.dumps(model)
    for bad in ({"a": value}, {**stream[0][0], "wind": value}):
        with pytest.raises(TypeError, match=r"feature '(a|wind)' is .*, not a number; encode it"):
            model.learn_one(bad, stream[0][1])
        assert pickle.dumps(model) == before
    with pytest.raises(TypeError, match="feature 'a'"):
        model.predict_one({"a": value})
    with pytest.raises(TypeError, match=r"the target is|label"):
        model.learn_one(stream[0][0], [1.0])
    assert pickle.dumps(model) == before


def test_empty_samples_are_samples(case):
    model, stream = case
    model.predict_one({})
    model.learn_one({}, stream[0][1])
    for x, y in stream:
        model.learn_one(x, y)
        model.learn_one({}, y)
    assert model.counters["samples"] == 2 * len(stream) + 1


def test_extreme_streams_keep_everything_finite():
    rng = np.random.default_rng(3)
    for scale, shift, spike in ((1e6, 0, 0), (1, 1e6, 0), (1, 0, 1e9), (0, 5, 0), (1e-9, 0, 0)):
        X = rng.normal(size=(400, 3)) * scale + shift
        y = X.sum(axis=1)
        if spike:
            X[::50], y[::50] = spike, spike
        X[rng.random(X.shape) < 0.3] = math.nan
        for cell in ("lstm", "rnn_relu"):
            model = RNNRegressor(**SMALL, cell=cell)
            assert np.isfinite(model.replay(X, y)).all()
            assert all(np.isfinite(array).all() for array in model.get_weights().values())


def test_an_exploding_state_is_reset_and_counted():
    model = RNNRegressor(
        hidden_size=2, truncation=3, cell="rnn_relu", scale_inputs=False, init="torch", lr=0.0
    )
    weights = RNNRegressor(hidden_size=2, cell="rnn_relu").get_weights()
    weights["weight_ih_l0"] = np.ones((2, 1))
    weights["weight_hh_l0"] = np.full((2, 2), 1e9)
    model.set_weights(weights, features=["a"])
    for _ in range(20):
        model.learn_one({"a": 1.0}, 1.0)
        assert np.isfinite(model._model.parts.state).all()
    assert model.counters["state_resets"] > 0
    assert math.isfinite(model.predict_one({"a": 1.0}))


def test_a_gradient_that_is_not_finite_is_skipped():
    model = RNNRegressor(
        hidden_size=2, truncation=3, scale_inputs=False, scale_target=False, init="torch"
    )
    model.learn_one({"a": 1.0}, 1.0)
    weights = model.get_weights()
    weights["head.weight"] = np.full((1, 2), 1e38)
    model.set_weights(weights)
    model.learn_one({"a": 1.0}, 1e9)
    assert model.counters["skipped"] == 1
    assert model.counters["updates"] == 1
    assert (model.get_weights()["head.weight"] == np.float32(1e38)).all()


# --- state


def test_reset_state_forgets_the_past_but_not_the_lesson(stream):
    model = RNNRegressor(**SMALL)
    for x, y in stream:
        model.learn_one(x, y)
    weights = model.get_weights()
    model.reset_state()
    assert not model._model.parts.state.any()
    assert all((weights[name] == array).all() for name, array in model.get_weights().items())
    model.learn_one(*stream[0])
    other = copy.deepcopy(model)
    other.reset_state()
    x = stream[1][0]
    assert other.predict_one(x) != model.predict_one(x)


def test_update_every_updates_that_often(stream):
    model = RNNRegressor(hidden_size=4, truncation=8, update_every=4, loss_window=4)
    for t, (x, y) in enumerate(stream, start=1):
        model.learn_one(x, y if t <= 8 else None)
        assert model.counters["updates"] == min(t, 8) // 4


# --- labels


def test_labels_of_any_kind_at_any_time(stream):
    model = RNNClassifier(**SMALL)
    assert model.predict_proba_one({}) == {}
    assert model.predict_one({}) is None
    labels = [True, "b", 3, (4, "d"), None, None, frozenset({5}), 2.5]
    for t in range(160):
        model.learn_one(stream[t % 40][0], labels[(t // 10) % 8])
        proba = model.predict_proba_one(stream[t % 40][0])
        assert math.isclose(sum(proba.values()), 1.0, rel_tol=1e-12)
    assert model.labels == [label for label in labels if label is not None]
    with pytest.raises(TypeError, match="not hashable"):
        model.learn_one(stream[0][0], ["list"])


def test_logistic_loss_is_for_two_labels(stream):
    model = RNNClassifier(**SMALL, loss="logistic")
    for x, _ in stream:
        model.learn_one(x, x["a"] > 0)
    proba = model.predict_proba_one(stream[0][0])
    assert set(proba) == {True, False}
    assert sum(proba.values()) == pytest.approx(1.0, rel=1e-12)
    before = pickle.dumps(model)
    with pytest.raises(ValueError, match="3 labels were seen; use loss='cross_entropy'"):
        model.learn_one(stream[0][0], "third")
    with pytest.raises(ValueError, match="3 labels were seen"):
        model.replay(np.zeros((2, 3)), [True, "third"], features=["a", "b", "c"])
    assert pickle.dumps(model) == before


# --- weights


@pytest.mark.parametrize("cell", cells.registry())
@pytest.mark.parametrize("num_layers", [1, 2])
def test_weights_travel(cell, num_layers, stream):
    arguments = {**SMALL, "cell": cell, "num_layers": num_layers, "scale_inputs": False}
    gates = len(cells.registry()[cell].torch_gates)
    source = RNNRegressor(**arguments, init="torch")
    source.learn_one(stream[0][0], None)
    weights = source.get_weights()
    assert weights["weight_ih_l0"].shape == (gates * 6, 3)
    assert weights[f"weight_hh_l{num_layers - 1}"].shape == (gates * 6, 6)
    target = RNNRegressor(**arguments)
    target.set_weights(weights)
    assert all((weights[name] == array).all() for name, array in target.get_weights().items())
    source.reset_state()
    for x, _ in stream:
        source.learn_one(x, None)
        target.learn_one(x, None)
        assert source.predict_one(x) == target.predict_one(x)


def test_weights_that_do_not_fit_are_refused(stream):
    model = RNNRegressor(**SMALL)
    model.learn_one(*stream[0])
    good, before = model.get_weights(), pickle.dumps(model)
    for change, message in (
        ({"head.bias": np.zeros(2)}, r"'head.bias'\] is \(2,\), the model needs \(1,\)"),
        ({"typo": np.zeros(1)}, "unknown.*typo"),
        ({"head.bias": np.array([math.nan])}, "not finite"),
        ({"weight_ih_l0": np.zeros((24, 2))}, "2 columns, the model has 3"),
    ):
        with pytest.raises(ValueError, match=message):
            model.set_weights({**good, **change})
    with pytest.raises(ValueError, match=r"missing.*head\.bias"):
        model.set_weights({name: array for name, array in good.items() if name != "head.bias"})
    with pytest.raises(ValueError, match="the model has learnt"):
        model.set_weights(good, features=["x", "y", "z"])
    assert pickle.dumps(model) == before


def test_a_classifier_takes_labels_with_its_weights(stream):
    source = RNNClassifier(**SMALL)
    for x, _ in stream:
        source.learn_one(x, x["a"] > 0)
    target = RNNClassifier(**SMALL)
    with pytest.raises(ValueError, match="give labels="):
        target.set_weights(source.get_weights())
    target.set_weights(source.get_weights(), features=["a", "b", "c"], labels=source.labels)
    assert target.labels == source.labels
    assert target.predict_proba_one(stream[0][0]).keys() == {True, False}


# --- constructor arguments


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"cell": "lsmt"}, ValueError, "did you mean 'lstm'"),
        ({"cell": 3}, TypeError, "cell must be one of"),
        ({"loss": "cross_entropy"}, ValueError, "is for classification; RNNRegressor takes"),
        ({"optimizer": "adm"}, ValueError, "did you mean 'adam'"),
        ({"optimizer": optimizers.Adam(), "lr": 0.1}, ValueError, "lr=0.1.*optimizer="),
        ({"lr": -1.0}, ValueError, "lr must be finite and at least 0"),
        ({"hidden_size": 0}, ValueError, "hidden_size must be at least 1, got 0"),
        ({"hidden_size": 3.5}, TypeError, "hidden_size must be an integer"),
        ({"loss_window": 2}, ValueError, "loss_window=2 and update_every=1"),
        ({"update_every": 2}, ValueError, "loss_window=1 and update_every=2"),
        ({"update_every": 9, "truncation": 8}, ValueError, "update_every=9.*truncation=8"),
        (
            {"activations": "recomputed", "loss_window": 40},
            ValueError,
            "loss_window=40.*truncation",
        ),
        (
            {"activations": "recomputed", "update_every": 3},
            ValueError,
            "loss_window=1.*update_every",
        ),
        ({"clip_norm": 0.0}, ValueError, "clip_norm must be finite and more than 0"),
        ({"dtype": "float16"}, ValueError, "dtype='float16' is unknown.*float32"),
        ({"init": "xavier"}, ValueError, "init='xavier' is unknown"),
        ({"l2": math.nan}, ValueError, "l2 must be finite"),
        ({"seed": 1.5}, TypeError, "seed must be an integer"),
        ({"loss": "mse"}, ValueError, "loss='mse' is unknown; known: absolute, huber"),
        ({"cell": "LSTM"}, ValueError, "did you mean 'lstm'"),
        ({"optimizer": optim.Adam()}, TypeError, "is River's; give a name, one of 'adagrad'"),
        ({"lr": optim.schedulers.Constant}, TypeError, "lr must be a number or a schedule"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        RNNRegressor(**arguments)


def test_plugins_may_be_names_classes_or_objects(stream):
    variants = [
        {"cell": "lstm", "loss": "huber", "optimizer": "sgd"},
        {"cell": cells.LSTM, "loss": losses.Huber, "optimizer": optimizers.SGD},
        {"cell": cells.LSTM(), "loss": losses.Huber(delta=1.0), "optimizer": optimizers.SGD(0.01)},
    ]
    models = [RNNRegressor(**SMALL, **variant) for variant in variants]
    models += [model.clone() for model in models]
    for x, y in stream:
        for model in models:
            model.learn_one(x, y)
    assert len({_bytes(model) for model in models}) == 1
    assert _bytes(RNNRegressor(**SMALL, cell=cells.LSTM(forget_bias=0.0))) != _bytes(
        RNNRegressor(**SMALL)
    )


def test_an_empty_plugin_object_survives_cloning():
    model = RNNRegressor(**SMALL, loss=losses.Squared(), cell=cells.GRU())
    assert model.clone()._model.plugins == model._model.plugins


def test_a_schedule_gives_each_update_its_rate(stream):
    class Steps(optim.base.Scheduler):
        def get(self, t):
            return 0.1 if t < 5 else 0.0

    model = RNNRegressor(**SMALL, optimizer="sgd", lr=Steps())
    weights = []
    for x, y in stream[:10]:
        model.learn_one(x, y)
        weights.append(model.get_weights()["head.bias"][0])
    assert len(set(weights[:5])) == 5
    assert len(set(weights[4:])) == 1
    block = RNNRegressor(**SMALL, optimizer="sgd", lr=Steps())
    block.replay(np.array([list(x.values()) for x, _ in stream[:10]]), [y for _, y in stream[:10]])
    assert block.get_weights()["head.bias"] == model.get_weights()["head.bias"]


# --- inside River


def test_in_a_pipeline_an_ensemble_and_an_evaluation():
    model = preprocessing.StandardScaler() | RNNRegressor(**SMALL)
    score = evaluate.progressive_val_score(datasets.TrumpApproval().take(300), model, metrics.MAE())
    assert score.get() < 2
    bag = ensemble.BaggingClassifier(RNNClassifier(**SMALL), n_models=2, seed=1)
    model = compose.SelectType(int, float) | bag
    score = evaluate.progressive_val_score(datasets.Phishing().take(600), model, metrics.Accuracy())
    assert score.get() > 0.7


# --- what must not go wrong around the edges


def test_a_shallow_copy_is_a_whole_model(stream):
    model = RNNClassifier(**SMALL)
    other = copy.copy(model)
    for t, (x, _) in enumerate(stream):
        model.learn_one(x, t % 5)
    assert other.labels == []
    assert other.predict_proba_one({}) == {}
    other.learn_one(*stream[0])
    assert len(model.labels) == 5


def test_unpickling_from_read_only_memory(stream):
    model = RNNRegressor(**SMALL)
    for x, y in stream:
        model.learn_one(x, y)
    buffers = []
    data = pickle.dumps(model, protocol=5, buffer_callback=buffers.append)
    frozen = [bytes(buffer.raw()) for buffer in buffers]
    loaded = pickle.loads(data, buffers=frozen)
    loaded.learn_one(*stream[0])
    model.learn_one(*stream[0])
    assert _bytes(loaded) == _bytes(model)


def test_threads_share_a_model_in_turns(stream):
    """Compiled code releases the GIL; predictions of other threads must not mix with learning."""
    import concurrent.futures

    model, alone = RNNRegressor(**SMALL), RNNRegressor(**SMALL)
    for each in (model, alone):
        for x, y in stream:
            each.learn_one(x, y)
    queries = [x for x, _ in stream] * 50
    expected = [alone.predict_one(x) for x in queries]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(model.predict_one, queries)) == expected


@pytest.mark.parametrize("columns", [[0, 1, 2], ["a", 1, ("b", 2)]])
def test_columns_of_a_frame_may_have_any_name(columns):
    X = np.arange(12.0).reshape(4, 3)
    model = RNNRegressor(**SMALL)
    model.replay(pd.DataFrame(dict(zip(columns, X.T, strict=True))), [1, 2, 3, 4])
    assert set(model.feature_names) == set(columns)


@pytest.mark.parametrize("unit", ["ns", "us"])
def test_dates_are_no_numbers(unit):
    stamps = pd.date_range("2026-01-01", periods=2).as_unit(unit)
    frame = pd.DataFrame({"a": [1.0, 2.0], "t": stamps})
    for X in (frame, pd.DataFrame({"a": [1.0, 2.0], "t": stamps - stamps[0]})):
        with pytest.raises(TypeError, match="feature 't'"):
            RNNRegressor(**SMALL).replay(X, [1, 2])
    known = RNNRegressor(**SMALL)
    known.learn_one({"a": 1.0, "t": 1.0}, 1.0)
    for value in (np.datetime64("2026-01-01", unit), np.timedelta64(1, unit), 1j, b"1"):
        for model in (RNNRegressor(**SMALL), known):
            with pytest.raises(TypeError, match="feature 't'"):
                model.learn_one({"a": 1.0, "t": value}, 1.0)
    with pytest.raises(TypeError, match="the target is"):
        RNNRegressor(**SMALL).replay(np.zeros((2, 1)), stamps.to_numpy())


def test_masked_values_are_missing():
    X = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
    model = RNNRegressor(**SMALL)
    model.replay(X, [1.0, 2.0])
    assert model.counters["missing_values"] == 1
    text = np.ma.masked_array([["a", "2"]], mask=[[True, False]])
    with pytest.raises(TypeError, match="feature 1 is '2'"):
        RNNRegressor(**SMALL).replay(text, [1.0])


def test_a_dict_that_invents_values_is_not_asked_to(stream):
    from collections import Counter, defaultdict

    model = RNNRegressor(**SMALL)
    for x, y in stream:
        model.learn_one(x, y)
    expected = model.predict_one({"a": 1.0})
    inventive = defaultdict(float, a=1.0)
    assert model.predict_one(inventive) == model.predict_one(Counter(a=1)) == expected
    assert dict(inventive) == {"a": 1.0}
    for odd in ([1.0, 2.0, 3.0], "abc", None):
        with pytest.raises(TypeError, match="must be a dict"):
            model.predict_one(odd)


@pytest.mark.parametrize(
    ("weights", "features", "error"),
    [
        ({"head.bias": [1e39]}, None, "not finite in float32"),
        ({"head.bias": "text"}, None, "no array of numbers"),
        ({"weight_ih_l0": 3.0}, None, "weight_ih_l0"),
        ({}, ["a", "a", "b"], "a name twice"),
    ],
)
def test_refused_weights_leave_no_trace(stream, weights, features, error):
    source = RNNRegressor(**SMALL)
    source.learn_one(*stream[0])
    target = RNNRegressor(**SMALL)
    before = pickle.dumps(target)
    with pytest.raises(ValueError, match=error):
        target.set_weights({**source.get_weights(), **weights}, features=features)
    assert pickle.dumps(target) == before


@pytest.mark.parametrize(
    "arguments",
    [
        {"optimizer": optimizers.Adam(beta1=1.0)},
        {"optimizer": optimizers.Adam(eps=0.0)},
        {"optimizer": optimizers.RMSProp(rho=5.0)},
        {"loss": losses.Quantile(q=5.0)},
        {"cell": cells.LSTM(forget_bias=math.nan)},
        {"lr": 1e39},
    ],
)
def test_numbers_that_would_ruin_the_weights_are_refused(arguments):
    with pytest.raises(ValueError, match="must be"):
        RNNRegressor(**arguments)


@pytest.mark.parametrize("argument", ["cell", "head", "loss", "optimizer", "activations"])
def test_a_plugin_of_another_kind_is_refused(argument):
    stranger = losses.Squared() if argument != "loss" else optimizers.Adam()
    with pytest.raises(TypeError, match=f"{argument} must be one of"):
        RNNRegressor(**{argument: stranger})


class Broken(optim.base.Scheduler):
    calls = 0

    def get(self, t):
        Broken.calls += 1
        return 0.01 if t < 3 else math.nan


def test_a_schedule_that_goes_wrong_stops_learning_and_predicting_never_asks_it(stream):
    model = RNNRegressor(**SMALL, lr=Broken())
    for x, y in stream[:3]:
        model.learn_one(x, y)
    calls, before = Broken.calls, pickle.dumps(model._model)
    model.predict_one(stream[3][0])
    assert Broken.calls == calls
    with pytest.raises(ValueError, match=r"lr, from .* for update 3 must be"):
        model.learn_one(*stream[3])
    assert pickle.dumps(model._model) == before


def test_predictions_are_finite_even_if_the_state_explodes():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 3)), rng.normal(size=500)
    model = RNNRegressor(
        hidden_size=8, truncation=8, cell="rnn_relu", optimizer="sgd", lr=0.1, clip_norm=None
    )
    assert np.isfinite(model.replay(X, y)).all()
    assert all(np.isfinite(array).all() for array in model.get_weights().values())
