"""Several labels at once: River's contract, labels that come and go, blocks, what is refused."""

import inspect
import itertools
import math
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import COPIES, SMALL, go_on_alike, looped, model_bytes, refuses
from river import datasets, evaluate, metrics
from river.checks import common

from streamrnn import RNNMultiLabelClassifier

#: For pipelines, and for models with River's mini-batch classes.
_FOR_OTHERS = ("check_debug_one", *(name for name in vars(common) if "many" in name))


def _rivers_checks():
    """Return River's checks with the arguments that they take; its own data would be downloaded."""
    for name, check in inspect.getmembers(common, inspect.isfunction):
        arguments = list(inspect.signature(check).parameters)
        is_check = name.startswith("check_") and arguments[1:] in ([], ["dataset"])
        if is_check and arguments[0] == "model" and name not in _FOR_OTHERS:
            yield pytest.param(check, bool(arguments[1:]), id=name)


def yeast(n):
    return [(x, dict(y)) for x, y in datasets.Yeast().take(n)]


@pytest.mark.parametrize(("check", "wants_data"), list(_rivers_checks()))
def test_rivers_checks(check, wants_data):
    model = RNNMultiLabelClassifier(**SMALL)
    assert not model._unit_test_skips()
    check(model, *([yeast(60)] if wants_data else []))


@pytest.mark.parametrize(
    "metric",
    [
        metrics.multioutput.ExactMatch(),
        metrics.multioutput.MacroAverage(metrics.Jaccard()),
        metrics.multioutput.MicroAverage(metrics.F1()),
        metrics.multioutput.PerOutput(metrics.Accuracy()),
        metrics.multioutput.SampleAverage(metrics.Jaccard()),
    ],
    ids=lambda metric: type(metric).__name__,
)
def test_rivers_evaluation_and_metrics_take_it(metric):
    assert metric.works_with(RNNMultiLabelClassifier(**SMALL))
    model = RNNMultiLabelClassifier(**SMALL)
    samples = yeast(120)
    model.learn_one(*samples[0])  # before that there are no labels to score
    score = evaluate.progressive_val_score(iter(samples[1:]), model, metric)
    values = score.get().values() if isinstance(score.get(), dict) else [score.get()]
    for value in values:
        value = value.get() if hasattr(value, "get") else value
        assert 0.0 <= value <= 1.0
    assert len(model.labels) == 14


@pytest.fixture
def pairs(stream):
    """The shared stream with three labels, of which now and then some are unknown or absent."""
    samples = []
    for t, (x, y) in enumerate(stream):
        labels = {"warm": y > 2, ("t", 1): t % 2 == 0, 7: x["b"] > 0}
        if t % 5 == 3:
            labels["warm"] = None if t % 2 else math.nan
        if t % 7 == 4:
            del labels[7]
        samples.append((x, labels if t % 11 != 10 else None))
    return samples


def ask(model, x):
    return model.predict_proba_one(x)


def learn(model, samples):
    for x, y in samples:
        model.learn_one(x, y)
    return model


# --- what it answers


def test_probabilities_and_labels(pairs):
    model = RNNMultiLabelClassifier(**SMALL)
    assert model.predict_proba_one(pairs[0][0]) == model.predict_one(pairs[0][0]) == {}
    for x, y in pairs:
        model.learn_one(x, y)
        shares = model.predict_proba_one(x)
        assert list(shares) == model.labels
        for share in shares.values():
            assert set(share) == {False, True}
            assert share[False] + share[True] == pytest.approx(1.0, rel=1e-15)
        held = model.predict_one(x)
        assert held == {name: share[True] > 0.5 for name, share in shares.items()}
        assert {type(value) for value in held.values()} == {bool}


def test_predicting_leaves_the_model_byte_identical(pairs):
    model = RNNMultiLabelClassifier(**SMALL, max_features=3)
    for x, y in pairs:
        before, numbers = pickle.dumps(model), model_bytes(model)
        for odd in (x, {}, {"new": 1.0}, {**x, "a": None, "new": 2.0}, {"a": math.nan}):
            model.predict_one(odd)
            model.predict_proba_one(odd)
        assert pickle.dumps(model) == before
        assert model_bytes(model) == numbers
        model.learn_one(x, y)


@pytest.mark.parametrize("n_predictions", [0, 1, 4])
def test_how_often_it_is_asked_is_no_matter(pairs, n_predictions):
    plain, asked = (RNNMultiLabelClassifier(**SMALL) for _ in range(2))
    for x, y in pairs:
        plain.learn_one(x, y)
        for _ in range(n_predictions):
            asked.predict_one(x)
        asked.learn_one(x, y)
    assert model_bytes(plain) == model_bytes(asked)


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("at", [0, 4, 17])
def test_copies_go_on_bit_equal(pairs, copied, at):
    go_on_alike(RNNMultiLabelClassifier(**SMALL), COPIES[copied], pairs, at, ask)


def test_same_seed_same_bits(pairs):
    one, other, third = (
        learn(RNNMultiLabelClassifier(**SMALL, seed=seed), pairs) for seed in (1, 1, 2)
    )
    assert model_bytes(one) == model_bytes(other)
    assert model_bytes(one) != model_bytes(third)


# --- labels


@pytest.mark.parametrize(
    ("yes", "no"),
    [
        (1, 0),
        (1.0, 0.0),
        (np.bool_(True), np.bool_(False)),
        (np.int8(1), np.int8(0)),
        (Fraction(1), Decimal(0)),
    ],
    ids=["int", "float", "bool_", "int8", "others"],
)
def test_ones_and_zeros_are_true_and_false(pairs, yes, no):
    plain, odd = (RNNMultiLabelClassifier(**SMALL) for _ in range(2))
    for x, y in pairs:
        plain.learn_one(x, y)
        other = {n: yes if v is True else no if v is False else v for n, v in (y or {}).items()}
        odd.learn_one(x, other if y is not None else None)
    assert model_bytes(plain) == model_bytes(odd)
    assert pickle.dumps(plain) == pickle.dumps(odd)


@pytest.mark.parametrize(
    "value", ["True", b"1", 2, -1, 0.5, math.inf, [True], np.array([True]), np.ones(2), 1 + 0j, {}]
)
def test_a_label_that_is_neither_is_named_and_nothing_has_changed(pairs, value):
    model = learn(RNNMultiLabelClassifier(**SMALL), pairs)
    x = {**pairs[0][0], "further": 1.0}
    for name in ("warm", "new"):
        y = {7: True, "newer": True, name: value}
        message = rf"label '{name}' is .*, not True or False"
        refuses(model, lambda y=y: model.learn_one(x, y), TypeError, message)


@pytest.mark.parametrize("y", [True, "warm", ["warm"], {"warm", 7}])
def test_labels_that_are_no_dict_are_refused(pairs, y):
    model = learn(RNNMultiLabelClassifier(**SMALL), pairs[:3])
    message = "must be a dict of values by name"
    refuses(model, lambda: model.learn_one(pairs[0][0], y), TypeError, message)


@pytest.mark.parametrize("gap", [None, math.nan, pd.NA, np.float32("nan"), "absent"])
def test_an_unknown_label_does_not_move_its_output(pairs, gap):
    model = learn(RNNMultiLabelClassifier(**SMALL, clip_norm=None, optimizer="sgd"), pairs)
    before = model.get_weights()
    y = {"warm": True, ("t", 1): False}
    model.learn_one(pairs[0][0], y if isinstance(gap, str) else {**y, 7: gap})
    after = model.get_weights()
    for place, name in enumerate(model.labels):
        moved = (before["head.weight"][place] != after["head.weight"][place]).any()
        assert moved == (name != 7), name


def test_a_new_label_starts_undecided_and_is_learnt(pairs):
    model = learn(RNNMultiLabelClassifier(**SMALL, lr=0.01), pairs)
    model.learn_one(pairs[0][0], {"late": None})
    assert model.labels[-1] == "late"
    assert model.predict_proba_one({})["late"] == {False: 0.5, True: 0.5}
    assert model.predict_one({})["late"] is False
    learn(model, [(x, {"late": True}) for x, _ in pairs * 4])
    assert model.predict_proba_one(pairs[0][0])["late"][True] > 0.8


# --- blocks


@pytest.mark.parametrize("kind", ["frame", "columns"])
@pytest.mark.parametrize("at", [0, 6], ids=["from the start", "later"])
def test_a_block_gives_the_bits_of_the_loop(pairs, kind, at):
    known = [y or {} for _, y in pairs]
    columns = {name: [y.get(name) for y in known] for name in ("warm", 7)}
    rows = [{name: column[i] for name, column in columns.items()} for i in range(len(pairs))]
    weights = np.tile([1.0, 0.5, 2.0, 0.0], len(pairs) // 4)
    one, other = (RNNMultiLabelClassifier(**SMALL) for _ in range(2))
    for model in (one, other):
        learn(model, [({"b": x["b"]}, {"older": t % 2}) for t, (x, _) in enumerate(pairs[:at])])
    expected = looped(one, [x for x, _ in pairs], rows, ask, weights.tolist())
    X = pd.DataFrame([x for x, _ in pairs])
    got = other.replay(X, pd.DataFrame(columns) if kind == "frame" else columns, w=weights)
    assert got.shape == (len(pairs), len(other.labels))
    for answer, row in zip(expected, got.tolist(), strict=True):
        shares = {name: p for name, p in zip(other.labels, row, strict=True) if p == p}
        assert shares == {name: share[True] for name, share in answer.items()}
    assert model_bytes(one) == model_bytes(other)
    assert pickle.dumps(one) == pickle.dumps(other)


def test_blocks_that_do_not_fit_change_nothing(pairs):
    model = learn(RNNMultiLabelClassifier(**SMALL, max_labels=4), pairs[:8])
    X = pd.DataFrame([x for x, _ in pairs]).assign(further=1.0)
    good = [True] * len(X)
    for y, kind, message in (
        ({"warm": [*good[:-1], "x"]}, TypeError, "label 'warm' is 'x'"),
        ({"new": good, "newer": good, "warm": [2, *good[1:]]}, TypeError, "label 'warm' is 2"),
        ({"warm": good[:-1]}, ValueError, "X has 40 rows, but the label 'warm' has 39"),
        (good, TypeError, "data frame or a dict of columns"),
    ):
        refuses(model, lambda y=y: model.replay(X, y), kind, message)


# --- it learns


def test_each_label_learns_its_own_and_the_past_is_needed():
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 2, 4000)
    before = np.roll(bits, 1)
    columns = {"now": bits, "before": before, "changed": bits != before, "never": bits > 1}
    model = RNNMultiLabelClassifier(hidden_size=8, truncation=6, lr=0.01)
    shares = model.replay(bits[:, None].astype(float), columns)
    for place, name in enumerate(model.labels):
        right = (shares[-500:, place] > 0.5) == columns[name][-500:]
        assert right.mean() > 0.97, name  # without memory: 0.5 for two of the four


def test_all_combinations_are_possible():
    """The labels are no classes: any number of them hold at once, none at all too."""
    model = RNNMultiLabelClassifier(hidden_size=8, truncation=4, lr=0.02)
    cases = list(itertools.product([False, True], repeat=3))
    for t in range(2400):
        case = cases[t % 8]
        x = {"n": t % 8}
        if t >= 2392:
            assert model.predict_one(x) == dict(zip("abc", case, strict=True))
        model.learn_one(x, dict(zip("abc", case, strict=True)))
