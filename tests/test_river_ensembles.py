"""Members of River's ensembles: better than a baseline, apart from each other, and copied whole."""

import copy
import itertools
import pickle
import random

import numpy as np
import pytest
from estimator_helpers import SMALL, model_bytes, plain
from river import (
    base,
    datasets,
    drift,
    dummy,
    ensemble,
    evaluate,
    linear_model,
    metrics,
    rules,
    stats,
    tree,
    utils,
)

from streamrnn import RNNClassifier, RNNRegressor

FAST = {**SMALL, "lr": 0.01}  # short streams


def _regressor(**changes):
    return RNNRegressor(**{**FAST, **changes})


def _classifier(**changes):
    return RNNClassifier(**{**FAST, **changes})


REGRESSORS = {
    "bagging": lambda: ensemble.BaggingRegressor(_regressor(), n_models=3, seed=1),
    "ewa": lambda: ensemble.EWARegressor([_regressor(seed=i) for i in range(3)], learning_rate=0.1),
    "patches": lambda: ensemble.SRPRegressor(
        _regressor(), n_models=3, lam=1, drift_detector=drift.ADWIN(), seed=1
    ),
}
CLASSIFIERS = {
    "bagging": lambda: ensemble.BaggingClassifier(_classifier(), n_models=3, seed=1),
    "adwin bagging": lambda: ensemble.ADWINBaggingClassifier(_classifier(), n_models=3, seed=1),
    "leveraging": lambda: ensemble.LeveragingBaggingClassifier(
        _classifier(), n_models=3, w=2, seed=1
    ),
    "ada boost": lambda: ensemble.AdaBoostClassifier(_classifier(), n_models=3, seed=1),
    "adwin boost": lambda: ensemble.ADWINBoostingClassifier(_classifier(), n_models=3, seed=1),
    "bole": lambda: ensemble.BOLEClassifier(_classifier(), n_models=3, seed=1),
    "patches": lambda: ensemble.SRPClassifier(
        _classifier(),
        n_models=3,
        lam=1,
        drift_detector=drift.ADWIN(),
        warning_detector=drift.ADWIN(delta=0.01),
        seed=1,
    ),
    "voting": lambda: ensemble.VotingClassifier([_classifier(seed=i) for i in range(3)]),
    "stacking": lambda: ensemble.StackingClassifier(
        [_classifier(seed=i) for i in range(3)], linear_model.LogisticRegression()
    ),
}
ALL = [*REGRESSORS.values(), *CLASSIFIERS.values()]
NAMES = [*(f"regressor {name}" for name in REGRESSORS), *CLASSIFIERS]


def _stream(model, n):
    kind = datasets.TrumpApproval if isinstance(model, tuple(_KINDS)) else datasets.Phishing
    return list(kind().take(n))


_KINDS = {type(make()) for make in REGRESSORS.values()}


def _members(model):
    return [getattr(member, "model", member) for member in model]  # of patches, inside


def _learn(model, stream):
    for x, y in stream:
        model.learn_one(x, y)


@pytest.mark.parametrize("name", REGRESSORS)
def test_an_ensemble_of_regressors_beats_the_mean(name):
    stream = list(datasets.TrumpApproval().take(600))
    score = evaluate.progressive_val_score(stream, REGRESSORS[name](), metrics.MAE())
    mean = dummy.StatisticRegressor(stats.Mean())
    baseline = evaluate.progressive_val_score(stream, mean, metrics.MAE())
    assert score.get() < 0.7 * baseline.get()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_an_ensemble_of_classifiers_beats_the_most_frequent_label(name):
    stream = list(datasets.Phishing().take(600))
    score = evaluate.progressive_val_score(stream, CLASSIFIERS[name](), metrics.Accuracy())
    prior = evaluate.progressive_val_score(stream, dummy.PriorClassifier(), metrics.Accuracy())
    assert score.get() > prior.get() + 0.2


@pytest.mark.parametrize("make", ALL, ids=NAMES)
def test_members_differ_and_share_no_number(make):
    model = make()
    _learn(model, _stream(model, 60))
    members = _members(model)
    assert len(members) == 3
    for one, other in itertools.combinations(members, 2):
        ours, theirs = one.get_weights(), other.get_weights()
        assert (ours["weight_hh_l0"] != theirs["weight_hh_l0"]).any()
        assert not np.shares_memory(one._model.arena, other._model.arena)
        assert one._model.lock is not other._model.lock


@pytest.mark.parametrize("make", ALL, ids=NAMES)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copied_ensemble_goes_on_as_the_original_would(make, copied):
    model = make()
    stream = _stream(model, 120)
    _learn(model, stream[:60])
    twin = copied(model)
    before = [model_bytes(member) for member in _members(model)]
    _learn(twin, stream[60:])
    assert [model_bytes(member) for member in _members(model)] == before
    _learn(model, stream[60:])
    for one, other in zip(_members(model), _members(twin), strict=True):
        assert model_bytes(one) == model_bytes(other)


# River clones a list of models with all that they have learnt, and a single one without.
_OF_ONE = [make for make in ALL if isinstance(make(), base.Wrapper)]


@pytest.mark.parametrize("make", _OF_ONE, ids=lambda make: type(make()).__name__)
def test_a_clone_knows_nothing_and_learns_the_same(make):
    model = make()
    stream = _stream(model, 60)
    _learn(model, stream)
    clone = model.clone()
    assert all(member.counters["samples"] == 0 for member in _members(clone))
    _learn(clone, stream)
    for one, other in zip(_members(model), _members(clone), strict=True):
        assert model_bytes(one) == model_bytes(other)


@pytest.mark.parametrize("make", ALL, ids=NAMES)
def test_predicting_changes_no_member(make):
    model = make()
    stream = _stream(model, 40)
    _learn(model, stream)
    before = [model_bytes(member) for member in _members(model)]
    for x, _ in stream:
        model.predict_one(x)
    assert [model_bytes(member) for member in _members(model)] == before


def test_the_model_that_is_bagged_stays_untaught():
    single = _regressor()
    bag = ensemble.BaggingRegressor(single, n_models=3, seed=1)
    assert len({model_bytes(member) for member in bag}) == 1  # the same seed: the same start
    _learn(bag, datasets.TrumpApproval().take(30))
    assert single.counters["samples"] == 0
    assert len({model_bytes(member) for member in bag}) == 3


def test_a_bagged_sample_advances_the_state_as_often_as_it_is_learnt():
    bag = ensemble.BaggingRegressor(_regressor(), n_models=3, seed=7)
    draws = random.Random(7)
    expected = [0, 0, 0]
    singles = [_regressor() for _ in range(3)]
    repeats = set()
    for x, y in datasets.TrumpApproval().take(40):
        before = [model_bytes(member) for member in bag]
        bag.learn_one(x, y)
        for i, member in enumerate(bag):
            n = utils.random.poisson(1, draws)
            repeats.add(n)
            expected[i] += n
            assert (model_bytes(member) == before[i]) == (n == 0)
            for _ in range(n):
                singles[i].learn_one(x, y)
    assert {0, 1, 2} <= repeats
    for member, single, n in zip(bag, singles, expected, strict=True):
        assert member.counters["samples"] == n
        assert model_bytes(member) == model_bytes(single)


def test_a_worse_expert_loses_its_weight():
    good, bad = _regressor(), plain(RNNRegressor, **SMALL, lr=0.0)  # the mean
    hedge = ensemble.EWARegressor([bad, good], learning_rate=0.1)
    _learn(hedge, datasets.TrumpApproval().take(400))
    assert hedge.weights[1] > 0.99


def test_an_ensembles_memory_stays_flat():
    bag = ensemble.BaggingClassifier(_classifier(), n_models=3, seed=1)
    stream = list(datasets.Phishing().take(300))
    _learn(bag, stream[:50])
    early = bag._raw_memory_usage
    _learn(bag, stream[50:])
    assert bag._raw_memory_usage <= 1.01 * early


LEAVES = {
    "tree": (
        lambda leaf: tree.HoeffdingTreeRegressor(leaf_prediction="model", leaf_model=leaf),
        lambda model: model._root._leaf_model,
    ),
    "rules": (
        lambda leaf: rules.AMRules(pred_type="model", pred_model=leaf),
        lambda model: model._default_rule.pred_model,
    ),
}


@pytest.mark.parametrize("name", LEAVES)
def test_a_leaf_learns_from_every_sample_with_its_weight(name):
    """River hands weights to the models in leaves by place, not by name."""
    make, leaf_of = LEAVES[name]
    model, alone = make(_regressor()), _regressor()
    for x, y in datasets.TrumpApproval().take(50):  # too few for a split
        model.learn_one(x, y)
        alone.learn_one(x, y)
    assert leaf_of(model).counters == alone.counters
    assert model_bytes(leaf_of(model)) == model_bytes(alone)
