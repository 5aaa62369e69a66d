"""What stands around a model in River: retraining, pipelines, delays, samplers, scalers."""

import collections
import random

import pytest
from estimator_helpers import SMALL, model_bytes, plain
from river import (
    compose,
    datasets,
    drift,
    dummy,
    evaluate,
    feature_extraction,
    imblearn,
    metrics,
    preprocessing,
    stats,
)

from streamrnn import RNNClassifier, RNNRegressor

FAST = {**SMALL, "lr": 0.01}  # short streams


@pytest.fixture
def polls():
    return list(datasets.TrumpApproval().take(400))


@pytest.fixture
def sites():
    return list(datasets.Phishing().take(600))


def _mae(stream, model, **arguments):
    return evaluate.progressive_val_score(stream, model, metrics.MAE(), **arguments).get()


def _baseline(stream, **arguments):
    return _mae(stream, dummy.StatisticRegressor(stats.Mean()), **arguments)


# --- drift


@pytest.mark.parametrize("in_background", [True, False])
def test_retraining_on_drift_replaces_the_model(in_background, sites):
    stream = sites + [(x, not y) for x, y in sites]
    model = drift.DriftRetrainingClassifier(
        plain(RNNClassifier, **FAST), drift.binary.DDM(), train_in_background=in_background
    )
    first = model.model
    wrong = collections.Counter()
    for i, (x, y) in enumerate(stream):
        wrong[i // 100] += model.predict_one(x) != y
        model.learn_one(x, y)
    assert model.model is not first
    assert first.counters["samples"] >= 600
    assert 0 < model.model.counters["samples"] < 600
    assert wrong[6] > 40 > 25 > wrong[11]


def test_without_drift_the_wrapped_model_is_as_it_would_be_alone(sites):
    alone, inside = RNNClassifier(**FAST), RNNClassifier(**FAST)
    model = drift.DriftRetrainingClassifier(inside, drift.NoDrift(), train_in_background=False)
    for x, y in sites[:200]:
        model.learn_one(x, y)
        alone.learn_one(x, y)
    assert model.model is inside
    assert model_bytes(inside) == model_bytes(alone)


# --- pipelines


def test_behind_a_scaler_a_model_learns_what_the_scaler_gives(polls):
    pipeline = preprocessing.StandardScaler() | RNNRegressor(**FAST)
    scaler, alone = preprocessing.StandardScaler(), RNNRegressor(**FAST)
    for x, y in polls:
        assert pipeline.predict_one(x) == alone.predict_one(scaler.transform_one(x))
        pipeline.learn_one(x, y)
        scaler.learn_one(x)
        alone.learn_one(scaler.transform_one(x), y)
    assert model_bytes(pipeline["RNNRegressor"]) == model_bytes(alone)
    assert _mae(polls, pipeline.clone()) < 0.6 * _baseline(polls)


def test_scalers_may_learn_while_predicting(polls):
    pipeline = preprocessing.StandardScaler() | RNNRegressor(**FAST)
    scaler, alone = preprocessing.StandardScaler(), RNNRegressor(**FAST)
    with compose.learn_during_predict():
        for x, y in polls[:100]:
            y_pred = pipeline.predict_one(x)
            pipeline.learn_one(x, y)
            scaler.learn_one(x)
            seen = scaler.transform_one(x)
            assert y_pred == alone.predict_one(seen)
            alone.learn_one(seen, y)
    assert pipeline["RNNRegressor"].counters["samples"] == 100
    assert model_bytes(pipeline["RNNRegressor"]) == model_bytes(alone)


def test_a_union_of_transformers_names_the_features(polls):
    union = compose.TransformerUnion(
        compose.Select("gallup", "ipsos") | preprocessing.MinMaxScaler(),
        compose.Select("ordinal_date"),
    )
    pipeline = union | RNNRegressor(**FAST)
    for x, y in polls[:50]:
        pipeline.learn_one(x, y)
    model = pipeline["RNNRegressor"]
    assert set(model.feature_names) == {"gallup", "ipsos", "ordinal_date"}
    assert model.counters["missing_values"] == 0
    assert _mae(polls, pipeline.clone()) < 0.6 * _baseline(polls)


def test_an_aggregate_of_the_target_is_a_feature_that_helps():
    draws = random.Random(3)  # no cycle to be remembered
    people = [draws.randrange(5) for _ in range(500)]
    stream = [({"who": who, "when": t % 2}, float(who**2)) for t, who in enumerate(people)]
    # The network is not told who it is, but how high that one's target was.
    mean = feature_extraction.TargetAgg(by="who", how=stats.EWMean(0.3))
    without = compose.Select("when") | RNNRegressor(**FAST)
    with_it = (compose.Select("when") + mean) | RNNRegressor(**FAST)
    assert _mae(stream, with_it) < 0.6 * _mae(stream, without)


def test_targets_may_be_scaled_outside(polls):
    model = preprocessing.TargetStandardScaler(plain(RNNRegressor, **FAST, scale_target=False))
    unscaled = plain(RNNRegressor, **FAST, scale_target=False)
    score = _mae(polls, model)
    assert score < 0.6 * _baseline(polls)
    assert score < 0.6 * _mae(polls, unscaled)


# --- delays


@pytest.mark.parametrize("delay", [1, 7])
def test_delayed_targets_are_each_learnt_once_and_in_order(delay, polls):
    model, alone = RNNRegressor(**FAST), RNNRegressor(**FAST)
    score = _mae(polls, model, moment=None, delay=delay)
    by_hand = metrics.MAE()
    for i, (x, y) in enumerate(polls):
        if i >= delay:
            alone.learn_one(*polls[i - delay])
        by_hand.update(y, alone.predict_one(x))
    for x, y in polls[-delay:]:
        alone.learn_one(x, y)
    assert model.counters["samples"] == len(polls)
    assert model_bytes(model) == model_bytes(alone)
    assert score == pytest.approx(by_hand.get(), rel=1e-12)
    assert score < 0.8 * _baseline(polls, moment=None, delay=delay)


# --- samplers


def _rare(sites):
    """Every tenth of the true ones only."""
    count, kept = 0, []
    for x, y in [*sites, *datasets.Phishing()]:
        count += y
        if not y or count % 8 == 0:
            kept.append((x, y))
    return kept


def test_under_sampling_finds_more_of_a_rare_label(sites):
    stream = _rare(sites)
    found = {}
    for name in ("plain", "sampled"):
        inside = RNNClassifier(**FAST)
        share = {False: 0.5, True: 0.5}
        model = imblearn.RandomUnderSampler(inside, share, seed=1) if name == "sampled" else inside
        found[name] = evaluate.progressive_val_score(stream, model, metrics.Recall()).get()
    assert found["sampled"] > found["plain"] + 0.1
    assert 0 < model.classifier.counters["samples"] < 0.6 * len(stream)
    assert model.classifier.counters["samples"] == sum(model._trained_on_dist.values())
