"""Constructor arguments: what they may be, and what is said when they are wrong."""

import math

import numpy as np
import pytest
from estimator_helpers import SMALL, model_bytes, plain
from river import optim

from streamrnn import RNNRegressor, cells, losses, optimizers


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
        ({"clip_norm": "atuo"}, ValueError, "clip_norm='atuo' is unknown .did you mean 'auto'"),
        ({"clip_units": 0.0}, ValueError, "clip_units must be finite and more than 0"),
        ({"l2_init": -1.0}, ValueError, "l2_init must be finite and at least 0"),
        ({"shrink": 1.5}, ValueError, "shrink must be finite and at least 0 and at most 1"),
        ({"perturb": "a"}, TypeError, "perturb must be a number"),
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
    assert len({model_bytes(model) for model in models}) == 1
    assert model_bytes(RNNRegressor(**SMALL, cell=cells.LSTM(forget_bias=0.0))) != model_bytes(
        RNNRegressor(**SMALL)
    )


def test_an_empty_plugin_object_survives_cloning():
    model = RNNRegressor(**SMALL, loss=losses.Squared(), cell=cells.GRU())
    assert model.clone()._model.plugins == model._model.plugins


def test_a_schedule_gives_each_update_its_rate(stream):
    class Steps(optim.base.Scheduler):
        def get(self, t):
            return 0.1 if t < 5 else 0.0

    model = plain(RNNRegressor, **SMALL, optimizer="sgd", lr=Steps())
    weights = []
    for x, y in stream[:10]:
        model.learn_one(x, y)
        weights.append(model.get_weights()["head.bias"][0])
    assert len(set(weights[:5])) == 5
    assert len(set(weights[4:])) == 1
    block = plain(RNNRegressor, **SMALL, optimizer="sgd", lr=Steps())
    block.replay(np.array([list(x.values()) for x, _ in stream[:10]]), [y for _, y in stream[:10]])
    assert block.get_weights()["head.bias"] == model.get_weights()["head.bias"]
