"""Several targets by name: River's contract, targets that come and go, blocks, what is refused."""

import datetime as dt
import math
import pickle

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import COPIES, SMALL, go_on_alike, looped, model_bytes, plain, refuses
from river import checks, datasets, evaluate, linear_model, metrics, multioutput

from streamrnn import RNNMultiTargetRegressor, RNNRegressor


@pytest.fixture
def pairs(stream, rng):
    """The shared stream with two targets, now and then one of them or both unknown."""
    samples = []
    for t, (x, y) in enumerate(stream):
        target = {"level": y, "noise": float(rng.normal())}
        if t % 5 == 3:
            target["noise"] = None if t % 2 else math.nan
        if t % 7 == 4:
            del target["level"]
        samples.append((x, target if t % 11 != 10 else None))
    return samples


def ask(model, x):
    return model.predict_one(x)


def learn(model, samples):
    for x, y in samples:
        model.learn_one(x, y)
    return model


@pytest.mark.parametrize(
    "check", list(checks.yield_checks(RNNMultiTargetRegressor(**SMALL))), ids=lambda c: c.__name__
)
def test_rivers_checks(check):
    model = RNNMultiTargetRegressor(**SMALL)
    assert not model._unit_test_skips()
    check(model)


def test_rivers_evaluation_and_metrics_take_it():
    model = RNNMultiTargetRegressor(**SMALL, lr=0.01)
    stream = [({"t": t % 6}, {"up": t % 6 + 1.0, "down": -(t % 6) - 1.0}) for t in range(600)]
    # The first prediction, before there is a target, is no prediction.
    metric = metrics.multioutput.MacroAverage(metrics.MAE())
    learn(model, stream[:1])
    score = evaluate.progressive_val_score(iter(stream[1:]), model, metric)
    assert score.get() < 0.75  # the mean of each target: 1.5
    assert model.target_names == ["down", "up"]


# --- predicting changes nothing


def test_predicting_leaves_the_model_byte_identical(pairs):
    model = RNNMultiTargetRegressor(**SMALL, max_features=3)
    for x, y in pairs:
        before, numbers = pickle.dumps(model), model_bytes(model)
        for odd in (x, {}, {"new": 1.0}, {**x, "a": None, "new": 2.0}, {"a": math.nan}):
            model.predict_one(odd)
        assert pickle.dumps(model) == before
        assert model_bytes(model) == numbers
        model.learn_one(x, y)


@pytest.mark.parametrize("n_predictions", [0, 1, 4])
def test_how_often_it_is_asked_is_no_matter(pairs, n_predictions):
    single, asked = (RNNMultiTargetRegressor(**SMALL) for _ in range(2))
    for x, y in pairs:
        single.learn_one(x, y)
        for _ in range(n_predictions):
            asked.predict_one(x)
        asked.learn_one(x, y)
    assert model_bytes(single) == model_bytes(asked)


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("at", [0, 4, 17])
def test_copies_go_on_bit_equal(pairs, copied, at):
    go_on_alike(RNNMultiTargetRegressor(**SMALL), COPIES[copied], pairs, at, ask)


def test_same_seed_same_bits_and_the_order_of_names_is_no_matter(pairs):
    one, other, third = (RNNMultiTargetRegressor(**SMALL, seed=seed) for seed in (1, 1, 2))
    learn(one, pairs)
    learn(third, pairs)
    for x, y in pairs:
        other.learn_one(x, dict(reversed(y.items())) if y else y)
    assert model_bytes(one) == model_bytes(other)
    assert model_bytes(one) != model_bytes(third)


# --- targets


def test_one_target_alone_is_a_regression_bit_for_bit(stream):
    single, named = RNNRegressor(**SMALL), RNNMultiTargetRegressor(**SMALL)
    for t, (x, y) in enumerate(stream):
        assert named.predict_one(x) == ({"y": single.predict_one(x)} if t else {})
        single.learn_one(x, y)
        named.learn_one(x, {"y": y})
    assert model_bytes(single) == model_bytes(named)


@pytest.mark.parametrize("is_plain", [False, True])
def test_targets_may_come_at_any_time_and_stay_away(is_plain, pairs):
    kind = RNNMultiTargetRegressor
    model = plain(kind, **SMALL) if is_plain else kind(**SMALL)
    assert model.predict_one(pairs[0][0]) == {}
    learn(model, [(x, {"level": 2.0}) for x, _ in pairs[:10]])
    before = model.get_weights()
    model.learn_one(pairs[0][0], {"level": None, "late": 5.0})
    after = model.get_weights()
    assert model.target_names == ["level", "late"]
    if is_plain:
        assert after["head.weight"].shape == (2, SMALL["hidden_size"])
        assert before["head.weight"].shape == (1, SMALL["hidden_size"])
    learn(model, [(x, {"late": 5.0}) for x, _ in pairs])
    predictions = model.predict_one(pairs[0][0])
    assert predictions["level"] == pytest.approx(2.0, abs=0.5)
    assert predictions["late"] == pytest.approx(5.0, abs=0.5)


def test_an_unknown_target_neither_teaches_nor_hinders(pairs):
    """The head's row of a target that is never known stays as it was; the other one learns."""
    model = plain(RNNMultiTargetRegressor, **SMALL)
    learn(model, [(x, {"known": t / 10, "ghost": None}) for t, (x, _) in enumerate(pairs)])
    weights = model.get_weights()
    ghost, known = model.target_names.index("ghost"), model.target_names.index("known")
    assert not weights["head.weight"][ghost].any()
    assert weights["head.weight"][known].any()
    assert model.predict_one({})["ghost"] == 0.0
    assert model.counters["missing_targets"] == 0  # one of the two was known


@pytest.mark.parametrize("nothing", [None, {}, {"level": None}, {"level": math.nan, "noise": None}])
def test_without_any_known_target_the_state_advances(pairs, nothing):
    model = learn(RNNMultiTargetRegressor(**SMALL), pairs)
    weights, state = model.get_weights(), model._model.parts.state.copy()
    missing = model.counters["missing_targets"]
    model.learn_one(pairs[0][0], nothing)
    assert all((weights[name] == array).all() for name, array in model.get_weights().items())
    assert (state != model._model.parts.state).any()
    assert model.counters["missing_targets"] == missing + 1


@pytest.mark.parametrize("value", ["12", [1.0], np.zeros(1), 1j, dt.datetime(2026, 1, 1), {}])
def test_a_target_that_is_no_number_is_named_and_nothing_has_changed(pairs, value):
    model = learn(RNNMultiTargetRegressor(**SMALL), pairs)
    x = {**pairs[0][0], "further": 1.0}
    for name in ("noise", "new"):
        y = {"level": 1.0, "older": 1.0, name: value}
        refuses(
            model, lambda y=y: model.learn_one(x, y), TypeError, rf"target '{name}' is .* number"
        )


@pytest.mark.parametrize("y", [1.0, "level", [1.0, 2.0], ("level", 1.0), {"level"}])
def test_a_target_that_is_no_dict_is_refused(pairs, y):
    model = learn(RNNMultiTargetRegressor(**SMALL), pairs[:3])
    refuses(
        model,
        lambda: model.learn_one(pairs[0][0], y),
        TypeError,
        "must be a dict of values by name",
    )


def test_a_bad_feature_leaves_no_trace_of_a_new_target(pairs):
    model = learn(RNNMultiTargetRegressor(**SMALL, max_targets=3), pairs[:5])
    refuses(
        model,
        lambda: model.learn_one({"a": "text"}, {"new": 1.0, "newer": 2.0, "newest": 3.0}),
        TypeError,
        "feature 'a'",
    )
    assert model.target_names == ["level", "noise"]


# --- blocks


def _block(pairs):
    X = pd.DataFrame([x for x, _ in pairs])
    known = [y or {} for _, y in pairs]
    columns = {name: [y.get(name) for y in known] for name in ("noise", "level")}
    rows = [{name: column[i] for name, column in columns.items()} for i in range(len(pairs))]
    return X, columns, rows


@pytest.mark.parametrize("kind", ["frame", "columns"])
@pytest.mark.parametrize("at", [0, 6], ids=["from the start", "later"])
def test_a_block_gives_the_bits_of_the_loop(pairs, kind, at):
    X, columns, rows = _block(pairs)
    weights = [1.0, 0.5, 2.0, 0.0] * (len(pairs) // 4)
    one, other = (RNNMultiTargetRegressor(**SMALL) for _ in range(2))
    for model in (one, other):
        learn(model, [({"b": x["b"]}, {"older": t}) for t, (x, _) in enumerate(pairs[:at])])
    expected = looped(one, [x for x, _ in pairs], rows, ask, weights)
    y = pd.DataFrame(columns) if kind == "frame" else columns
    got = other.replay(X, y, w=weights)
    names = other.target_names
    assert got.shape == (len(pairs), len(names))
    for answer, row in zip(expected, got, strict=True):
        assert {n: v for n, v in zip(names, row.tolist(), strict=True) if v == v} == answer
    assert model_bytes(one) == model_bytes(other)
    assert pickle.dumps(one) == pickle.dumps(other)


def test_a_block_without_some_targets_or_rows(pairs):
    X, columns, _ = _block(pairs)
    one, other = (learn(RNNMultiTargetRegressor(**SMALL), pairs) for _ in range(2))
    other.replay(X, {"noise": columns["noise"]})
    looped(one, [x for x, _ in pairs], [{"noise": v} for v in columns["noise"]], ask)
    assert model_bytes(one) == model_bytes(other)
    before = pickle.dumps(other)
    assert other.replay(X.iloc[:0], {"new": []}).shape == (0, 2)
    assert pickle.dumps(other) == before


@pytest.mark.parametrize(
    ("y", "kind", "message"),
    [
        ([1.0] * 40, TypeError, "data frame or a dict of columns"),
        ({"level": [1.0] * 39}, ValueError, "X has 40 rows, but the target 'level' has 39"),
        ({"level": [1.0] * 39 + ["x"]}, TypeError, "target 'level' is 'x'"),
        ({"brand": [1.0] * 39 + ["x"], "new": [1.0] * 40}, TypeError, "target 'brand' is 'x'"),
        ({"level": 1.0}, TypeError, "'level' must have a value for each row"),
        (pd.DataFrame({"level": [1.0] * 3}), ValueError, "X has 40 rows, but y has 3"),
    ],
)
def test_blocks_that_do_not_fit_change_nothing(pairs, y, kind, message):
    model = learn(RNNMultiTargetRegressor(**SMALL, max_targets=3), pairs[:8])
    X = _block(pairs)[0].assign(further=1.0)
    refuses(model, lambda: model.replay(X, y), kind, message)


# --- it learns


def test_each_target_learns_its_own_and_the_past_is_needed():
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, 3000)
    model = RNNMultiTargetRegressor(hidden_size=8, truncation=6, lr=0.01)
    X = bits[:, None].astype(float)
    columns = {f"{lag} ago": np.roll(bits, lag).astype(float) for lag in (0, 1, 2)}
    predicted = model.replay(X, columns)
    errors = np.abs(predicted - np.column_stack([columns[n] for n in model.target_names]))[-500:]
    assert (errors.mean(axis=0) < 0.1).all()  # without memory: 0.5 for two of the three


def test_learns_more_than_a_linear_model_of_each_target():
    """Linear models see the same features; what they cannot see is the sample before."""
    samples = [
        ({"t": t % 3}, {"a": float(t % 3 == 0), "b": float((t - 1) % 3)}) for t in range(900)
    ]
    ours = RNNMultiTargetRegressor(hidden_size=8, truncation=4, lr=0.01)
    theirs = multioutput.RegressorChain(linear_model.LinearRegression(), order=["a", "b"])
    errors = {}
    for name, model in (("ours", ours), ("theirs", theirs)):
        total = 0.0
        for t, (x, y) in enumerate(samples):
            answer = model.predict_one(x)
            if t >= 600:
                total += sum(abs(answer[n] - y[n]) for n in y) / 600
            model.learn_one(x, y)
        errors[name] = total
    assert errors["ours"] < 0.05 < 0.3 < errors["theirs"]


def test_runs_on_a_bundled_stream():
    model = RNNMultiTargetRegressor(**SMALL)
    for x, y in datasets.SolarFlare().take(100):
        numbers = {name: value for name, value in x.items() if not isinstance(value, str)}
        model.predict_one(numbers)
        model.learn_one(numbers, y)
    assert set(model.target_names) == set(y)
    assert all(math.isfinite(value) for value in model.predict_one(numbers).values())
