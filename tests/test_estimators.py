"""River's contract, and what users of a recurrent model need beyond it."""

import copy
import math
import os
import pickle
import subprocess
import sys
import tracemalloc

import pytest
from estimator_helpers import SMALL, model_bytes
from river import checks, compose, datasets, ensemble, evaluate, metrics, preprocessing

from streamrnn import RNNClassifier, RNNRegressor


def _rivers_checks():
    for estimator in (RNNRegressor(**SMALL), RNNClassifier(**SMALL)):
        for i, check in enumerate(checks.yield_checks(estimator)):
            label = f"{type(estimator).__name__}-{check.__name__}-{i}"
            yield pytest.param(estimator, check, id=label)


@pytest.mark.parametrize(("estimator", "check"), list(_rivers_checks()))
def test_rivers_checks(estimator, check):
    assert not estimator._unit_test_skips()
    check(estimator.clone())


# --- predicting changes nothing


def test_predicting_leaves_the_model_byte_identical(case):
    model, stream = case
    methods = [model.predict_one]
    if isinstance(model, RNNClassifier):
        methods.append(model.predict_proba_one)
    for x, y in stream:
        before, frozen = pickle.dumps(model), model_bytes(model)
        for odd in (x, {}, {"new": 1.0}, {**x, "a": None}, {"a": math.nan}):
            for method in methods:
                method(odd)
        assert pickle.dumps(model) == before
        assert model_bytes(model) == frozen
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
    assert model_bytes(other) == model_bytes(model)
    for x, y in stream[at:]:
        assert other.predict_one(x) == model.predict_one(x)
        model.learn_one(x, y)
        other.learn_one(x, y)
    assert model_bytes(other) == model_bytes(model)


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


# --- inside River


def test_in_a_pipeline_an_ensemble_and_an_evaluation():
    model = preprocessing.StandardScaler() | RNNRegressor(**SMALL)
    score = evaluate.progressive_val_score(datasets.TrumpApproval().take(300), model, metrics.MAE())
    assert score.get() < 2
    bag = ensemble.BaggingClassifier(RNNClassifier(**SMALL), n_models=2, seed=1)
    model = compose.SelectType(int, float) | bag
    score = evaluate.progressive_val_score(datasets.Phishing().take(600), model, metrics.Accuracy())
    assert score.get() > 0.7


def test_a_sample_makes_no_arrays():
    """Beside Python's own few objects there is no room for an array in what a call allocates."""
    model = RNNRegressor(**SMALL)
    x = {f"x{i}": float(i) for i in range(8)}
    for _ in range(50):
        model.predict_one(x)
        model.learn_one(x, 1.0)
    tracemalloc.start()
    try:
        for call in (lambda: model.predict_one(x), lambda: model.learn_one(x, 1.0)):
            call()
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            call()
            assert tracemalloc.get_traced_memory()[1] - before < 320
    finally:
        tracemalloc.stop()
