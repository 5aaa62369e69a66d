"""What the tests of the estimators share."""

import copy
import pickle

import pytest

from streamrnn import (
    RNNClassifier,
    RNNForecaster,
    RNNMultiLabelClassifier,
    RNNMultiTargetRegressor,
    RNNRegressor,
)

#: Constructor arguments of a model that is quick to run; sizes compile nothing.
SMALL = {"hidden_size": 6, "truncation": 5}

_NETWORK_ALONE = {"head": "linear", "scale_clip": None}
_OF_NUMBERS = {**_NETWORK_ALONE, "loss": "squared", "predict_change": False}
#: Arguments that leave a network under a linear head, which is told of no target and predicts the
#: target itself: what formulas, twins and other libraries have. Others have these by default.
PLAIN = {
    RNNRegressor: {**_OF_NUMBERS, "lagged_target": False},
    RNNMultiTargetRegressor: {**_OF_NUMBERS, "lagged_target": False},
    RNNForecaster: {**_OF_NUMBERS, "truncation": 32, "calendar": ("day", "week", "year")},
    RNNClassifier: {**_NETWORK_ALONE, "lagged_target": False},
    RNNMultiLabelClassifier: _NETWORK_ALONE,
}


def plain(kind, **words):
    """A model of this kind that is `PLAIN` in all that is not said otherwise."""
    return kind(**{**PLAIN.get(kind, {}), **words})


def member_of(weights, kind, **words):
    """A model for a `KeyedModel`: the default one, unless what its head learns cannot be shared."""
    return plain(kind, **words) if weights == "shared" else kind(**words)


def model_bytes(model):
    """All numbers of a model, to compare models bit by bit."""
    return model._model.arena.tobytes() + model._model.statistics.tobytes()


def plain_gradient(length):
    """Arguments for one gradient over a whole stream: exact, unclipped, and moving nothing."""
    return {
        **PLAIN[RNNRegressor],
        "truncation": length,
        "update_every": length,
        "loss_window": length,
        "optimizer": "sgd",
        "lr": 0.0,
        "clip_norm": None,
        "init": "torch",
        "scale_inputs": False,
        "scale_target": False,
        "dtype": "float64",
    }


#: Ways to copy a model that must go on as the original would.
COPIES = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "clone": lambda model: model.clone(include_attributes=True),
}


def go_on_alike(model, duplicate, stream, at, ask):
    """Copy a model in mid-stream; assert that both give the same bits from there on."""
    for x, y in stream[:at]:
        model.learn_one(x, y)
    other = duplicate(model)
    assert model_bytes(other) == model_bytes(model)
    for x, y in stream[at:]:
        assert ask(other, x) == ask(model, x)
        model.learn_one(x, y)
        other.learn_one(x, y)
    assert model_bytes(other) == model_bytes(model)


def refuses(model, call, kind, message):
    """Assert that `call` raises, and that the model is byte for byte what it was."""
    before, numbers = pickle.dumps(model), model_bytes(model)
    with pytest.raises(kind, match=message):
        call()
    assert pickle.dumps(model) == before
    assert model_bytes(model) == numbers


def looped(model, rows, ys, ask, weights=None):
    """Return what a model answers before it learns each row."""
    answers = []
    for i, (x, y) in enumerate(zip(rows, ys, strict=True)):
        answers.append(ask(model, x))
        model.learn_one(x, y, **({} if weights is None else {"w": weights[i]}))
    return answers
