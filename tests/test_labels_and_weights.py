"""Labels of any kind, and weights that travel."""

import math
import pickle

import numpy as np
import pytest
from estimator_helpers import SMALL, plain, refuses

from streamrnn import RNNClassifier, RNNRegressor, cells

# --- labels


def test_labels_of_any_kind_at_any_time(stream):
    model = plain(RNNClassifier, **SMALL)
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
    model = plain(RNNClassifier, **SMALL, loss="logistic")
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
    source = plain(RNNRegressor, **arguments, init="torch")
    source.learn_one(stream[0][0], None)
    weights = source.get_weights()
    assert weights["weight_ih_l0"].shape == (gates * 6, 3)
    assert weights[f"weight_hh_l{num_layers - 1}"].shape == (gates * 6, 6)
    target = plain(RNNRegressor, **arguments)
    target.set_weights(weights)
    assert all((weights[name] == array).all() for name, array in target.get_weights().items())
    source.reset_state()
    for x, _ in stream:
        source.learn_one(x, None)
        target.learn_one(x, None)
        assert source.predict_one(x) == target.predict_one(x)


def test_weights_that_do_not_fit_are_refused(stream):
    model = plain(RNNRegressor, **SMALL)
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


def test_weights_without_the_columns_of_lags_are_refused():
    source = plain(RNNRegressor, **SMALL)
    source.learn_one({"a": 1.0, "b": 2.0}, 1.0)
    weights = source.get_weights()
    model = plain(RNNRegressor, **SMALL, lagged_target=True)
    message = "features has 2 names, weight_ih_l0 has 2 columns, the last 1 for the last target"
    refuses(model, lambda: model.set_weights(weights, ["a", "b"]), ValueError, message)


def test_a_classifier_takes_labels_with_its_weights(stream):
    source = plain(RNNClassifier, **SMALL)
    for x, _ in stream:
        source.learn_one(x, x["a"] > 0)
    target = plain(RNNClassifier, **SMALL)
    with pytest.raises(ValueError, match="give labels="):
        target.set_weights(source.get_weights())
    target.set_weights(source.get_weights(), features=["a", "b", "c"], labels=source.labels)
    assert target.labels == source.labels
    assert target.predict_proba_one(stream[0][0]).keys() == {True, False}
