"""Candidates of River's selectors and grids: the good one wins, wherever it stands."""

import itertools

import numpy as np
import pytest
from estimator_helpers import SMALL, model_bytes, plain
from river import bandit, compose, datasets, metrics, model_selection, optim, preprocessing, utils

from streamrnn import RNNClassifier, RNNRegressor, optimizers

SELECTORS = {
    "halving": lambda models: model_selection.SuccessiveHalvingRegressor(
        models, metrics.MAE(), budget=900
    ),
    "greedy": lambda models: model_selection.GreedyRegressor(models, metrics.MAE()),
    # River's bandits take the greatest reward for the best, whatever the metric says of itself.
    "bandit": lambda models: model_selection.BanditRegressor(
        models, metrics.R2(), bandit.EpsilonGreedy(epsilon=0.1, burn_in=50, seed=1)
    ),
    "halving classes": lambda models: model_selection.SuccessiveHalvingClassifier(
        models, metrics.Accuracy(), budget=900
    ),
    "halving probabilities": lambda models: model_selection.SuccessiveHalvingClassifier(
        models, metrics.LogLoss(), budget=900
    ),
    "bandit classes": lambda models: model_selection.BanditClassifier(
        models, metrics.Accuracy(), bandit.EpsilonGreedy(epsilon=0.1, burn_in=50, seed=1)
    ),
}
RATES = [0.0, 0.01, 1e-5]  # the good one, and two that hardly learn


def _candidates(name, rates):
    is_classifier = "classes" in name or "probabilities" in name
    model = plain(RNNClassifier if is_classifier else RNNRegressor, **SMALL)
    stream = datasets.Phishing() if is_classifier else datasets.TrumpApproval()
    return utils.expand_param_grid(model, {"lr": list(rates)}), list(stream.take(400))


@pytest.mark.parametrize("order", list(itertools.permutations(RATES)), ids=str)
@pytest.mark.parametrize("name", SELECTORS)
def test_the_good_candidate_wins(name, order):
    models, stream = _candidates(name, order)
    selector = SELECTORS[name](models)
    for x, y in stream:
        selector.predict_one(x)
        selector.learn_one(x, y)
    assert selector.best_model.lr == 0.01
    assert selector.predict_one(x) == selector.best_model.predict_one(x)


@pytest.mark.parametrize("name", ["halving", "halving classes"])
def test_who_is_halved_away_learns_no_more(name):
    models, stream = _candidates(name, RATES)
    selector = SELECTORS[name](models)
    for x, y in stream:
        selector.learn_one(x, y)
    samples = {model.lr: model.counters["samples"] for model in models}
    assert samples[0.01] == len(stream)
    assert samples[0.0] < len(stream)


def test_a_candidate_equals_a_model_of_its_own():
    models, stream = _candidates("greedy", RATES)
    selector = SELECTORS["greedy"](models)
    alone = plain(RNNRegressor, **SMALL, lr=0.01)
    for x, y in stream[:100]:
        selector.predict_one(x)
        selector.learn_one(x, y)
        alone.learn_one(x, y)
    assert model_bytes(models[1]) == model_bytes(alone)


def test_a_grid_over_size_rate_and_cell():
    grid = {"hidden_size": [4, 6], "lr": [0.001, 0.01], "cell": ["lstm", "gru"]}
    models = utils.expand_param_grid(plain(RNNRegressor, **SMALL), grid)
    got = {(model.hidden_size, model.lr, model.cell) for model in models}
    assert got == set(itertools.product(*grid.values()))
    assert all(model.truncation == SMALL["truncation"] for model in models)
    for x, y in datasets.TrumpApproval().take(20):
        for model in models:
            model.learn_one(x, y)
    for model in models:
        assert model.get_weights()["weight_hh_l0"].shape[1] == model.hidden_size
    assert not any(
        np.shares_memory(one._model.arena, other._model.arena)
        for one, other in itertools.combinations(models, 2)
    )
    assert len({model_bytes(model) for model in models}) == len(models)


def test_a_grid_inside_a_pipeline():
    model = preprocessing.StandardScaler() | plain(RNNRegressor, **SMALL)
    models = utils.expand_param_grid(model, {"RNNRegressor": {"lr": [0.0, 0.01]}})
    assert all(isinstance(model, compose.Pipeline) for model in models)
    selector = model_selection.GreedyRegressor(models, metrics.MAE())
    for x, y in datasets.TrumpApproval().take(300):
        selector.learn_one(x, y)
    assert selector.best_model["RNNRegressor"].lr == 0.01


def test_a_grid_over_optimizers_and_schedules():
    """A tuple in a grid is a class and its parameters; so optimizer objects cannot stand there."""
    grid = {
        "optimizer": [(optimizers.Adam, {"lr": [0.001, 0.01]}), (optimizers.SGD, {"lr": [0.1]})]
    }
    models = utils.expand_param_grid(plain(RNNRegressor, **SMALL), grid)
    assert [model.optimizer for model in models] == [
        optimizers.Adam(lr=0.001),
        optimizers.Adam(lr=0.01),
        optimizers.SGD(lr=0.1),
    ]
    schedules = [optim.schedulers.InverseScaling(0.01), optim.schedulers.Constant(0.01)]
    models = utils.expand_param_grid(plain(RNNRegressor, **SMALL), {"lr": schedules})
    assert [type(model.lr) for model in models] == [type(schedule) for schedule in schedules]
