"""How far gradients reach, gates that are stuck, weights: against the slow twin, and harmless."""

import math

import numpy as np
import pytest
from engine_helpers import engine, put, rls_memory
from estimator_helpers import SMALL
from family import DEFAULTS, FAMILY, x_of, y_of
from naive import Twin, random_weights
from naive import diagnostics as naive
from readout_helpers import Pair
from test_readout_twin import CASES, RECOMPUTED, STORED

from streamrnn import RNNClassifier, RNNRegressor, diagnostics
from streamrnn.cells import LSTM
from streamrnn.gradients import Stored
from streamrnn.gradients.protocol import backpropagate

ALONE = {"head": "linear", "loss": "squared"}
HERE = {
    "rnn_relu alone": {"cell": "rnn_relu", "num_layers": 2, **STORED, **ALONE},
    "rnn alone, recomputed": {"cell": "rnn", "num_layers": 2, **RECOMPUTED, **ALONE},
    **{name: CASES[name] for name in CASES if "unscaled" not in name},
}


def pair(case, **words):
    return Pair(**{"optimizer": "sgd", "lr": 0.02, **HERE[case], **words})


def compare(both):
    before = both.model.arena.tobytes() + both.model.statistics.tobytes()
    profile = diagnostics.gradient_profile(both.model)
    np.testing.assert_allclose(profile, naive.gradient_profile(both.twin), rtol=1e-8, atol=1e-12)
    if both.twin.history:
        found = diagnostics.gate_saturation(both.model)
        assert found == pytest.approx(naive.gate_saturation(both.twin), abs=1e-12)
    assert both.model.arena.tobytes() + both.model.statistics.tobytes() == before
    return profile


@pytest.mark.interpreted
@pytest.mark.parametrize("case", HERE)
def test_as_the_twin_has_it(case, rng):
    """Weights have moved since the steps were taken; the newest target may not be known."""
    both = pair(case)
    assert compare(both).shape[1] == 0
    both.learn(rng.normal(size=3), both.encode(rng.normal(size=2)), 0.5)
    both.learn(rng.normal(size=3), both.encode(rng.normal(size=2)), 0.5)
    assert compare(both).shape[1] == 2
    both.go(rng, 45)
    full = both.twin.truncation
    both.learn(rng.normal(size=3), both.encode(rng.normal(size=2)), 0.5)
    profile = compare(both)
    assert profile.shape == (both.model.sizes.num_layers, full)
    assert (profile[:, 0] > 0).all()
    both.learn(rng.normal(size=3), None, 1.0)
    assert compare(both).shape[1] == full - 1
    both.observe(rng.normal(size=3), both.encode(rng.normal(size=2)), 1.0)
    assert compare(both).shape[1] == full


@pytest.mark.interpreted
@pytest.mark.parametrize("cell", ["rnn", "rnn_relu", "gru", "lstm"])
def test_the_truth_is_itself_true(cell, rng):
    """The twin's chain rule against the complex step."""
    weights = random_weights(cell, 3, 4, 2, seed=3)
    words = {"truncation": 5, "activations": "recomputed", "optimizer": "sgd", "lr": 0.02}
    twin = Twin(cell, weights, **words)
    for _ in range(9):
        twin.learn(rng.normal(size=3), rng.normal(size=1))
    found = naive.gradient_profile(twin)
    np.testing.assert_allclose(found, naive.complex_profile(twin), rtol=1e-10)
    assert found.shape == (2, 5)


@pytest.mark.interpreted
@pytest.mark.parametrize("case", ["rnn_relu alone", "rnn alone, recomputed", "lstm", "skip"])
def test_gates_of_large_weights_are_stuck(case, rng):
    both = pair(case)
    both.go(rng, 30)
    for name, array in both.twin.weights.items():
        both.twin.weights[name] = array * 4
    put(both.model, both.twin.weights)
    found = diagnostics.gate_saturation(both.model)
    assert found == pytest.approx(naive.gate_saturation(both.twin), abs=1e-12)
    assert max(found.values()) > 0.1


def test_a_gradient_that_vanishes_and_one_that_explodes():
    """By the recurrent weight of units that are all on."""
    profiles = {}
    for size in (0.1, 2.0):
        model = engine(cell="rnn_relu", truncation=20, lr=1e-30)
        recurrent = {"weight_hh_l0": size * np.eye(4), "bias_ih_l0": np.ones(4)}
        put(model, recurrent | {"head.weight": np.ones((1, 4))})
        for _ in range(30):
            model.row[:], model.y[0, 0] = 1e-6, 1.0
            model.run_one(True)
        profiles[size] = diagnostics.gradient_profile(model)[0]
    for size, profile in profiles.items():
        np.testing.assert_allclose(profile[1:] / profile[:-1], size, rtol=1e-3)


MEMBERS = {name: member for name, member in {**FAMILY, **DEFAULTS}.items() if "keyed" not in name}


@pytest.mark.parametrize("name", MEMBERS)
def test_every_estimator_can_be_looked_into_and_stays_as_it_is(name):
    member = MEMBERS[name]
    model = member.make()
    for n in (0, 9):
        for i in range(n):
            member.learn(model, i)
        before = model.to_bytes()
        profile, gates = model.gradient_profile(), model.gate_saturation()
        health, flat = model.weight_health(), model.flat_weights()
        assert model.to_bytes() == before
        assert profile.shape[0] == model.num_layers
        assert (profile.shape[1] > 0) == (n > 0)
        assert np.isfinite(profile).all()
        assert set(gates) == {"input", "forget", "cell", "output"}
        assert all(math.isnan(share) == (n == 0) for share in gates.values())
        weights = model.get_weights()
        assert list(weights) == [name for name in health if name in weights]
        assert flat.tobytes() == np.concatenate([w.ravel() for w in weights.values()]).tobytes()
        for name_, array in weights.items():
            assert health[name_]["shape"] == array.shape
            assert health[name_]["norm"] == pytest.approx(np.linalg.norm(array), rel=1e-6)


def trained(**words):
    model = RNNRegressor(**{**SMALL, **words})
    for i in range(20):
        model.learn_one(x_of(i) | {"site": 7.0}, y_of(i))
    return model


def test_health_tells_what_is_wrong():
    model = trained()
    model.set_weights(model.get_weights(), ["a", "b", "site", "late"])
    parts, health = model._model.parts, model.weight_health()
    assert health["scaling.inputs"]["constant"] == ["site"]
    assert health["head.covariance"]["shape"] == (len(rls_memory(model._model)[1]),) * 2
    diagonal = np.diag(rls_memory(model._model)[1])
    assert health["head.covariance"]["smallest"] == pytest.approx(diagonal.min(), rel=1e-5)
    assert health["head.covariance"]["largest"] == pytest.approx(diagonal.max(), rel=1e-5)
    weights = model.get_weights()
    weights["weight_hh_l0"][:3] = 0.0
    model.set_weights(weights)
    block = model.weight_health()["weight_hh_l0"]
    assert block["dead"] == pytest.approx(3 / 24)
    assert block["zeros"] == pytest.approx(3 / 24)
    assert block["largest"] == abs(weights["weight_hh_l0"]).max()
    parts.parameters[:] = math.inf
    assert model.weight_health()["weight_hh_l0"]["non_finite"] == 1.0
    assert model.weight_health()["weight_hh_l0"]["norm"] == 0.0


def test_nothing_is_said_of_scaling_where_there_is_none():
    model = RNNRegressor(**SMALL, scale_inputs=False, scale_target=False)
    assert not any("scaling" in name for name in model.weight_health())
    classifier = RNNClassifier(**SMALL)
    assert classifier.weight_health()["scaling.inputs"]["unseen"] == []


def test_weights_that_are_not_finite_are_told_not_raised():
    model = trained()
    for value in (math.nan, math.inf):
        model._model.parts.parameters[:] = value
        assert not np.isfinite(model.gradient_profile()).all()
        assert set(model.gate_saturation()) == {"input", "forget", "cell", "output"}


def test_gates_of_a_cell_that_does_not_name_them(monkeypatch):
    model = trained()
    own = model.gate_saturation()
    monkeypatch.delattr(LSTM, "saturated")
    found = model.gate_saturation()
    assert list(found) == ["gate 0", "gate 1", "gate 2", "gate 3"]
    assert [found["gate 0"], found["gate 1"]] == [own["input"], own["forget"]]


def test_an_algorithm_that_keeps_no_window_is_refused(monkeypatch):
    model = trained()
    monkeypatch.delattr(Stored, "tape")
    with pytest.raises(ValueError, match="Stored keeps no tape"):
        model.gate_saturation()
    monkeypatch.setitem(backpropagate.registry, Stored, lambda *args: None)
    with pytest.raises(ValueError, match="Stored makes no sweep"):
        model.gradient_profile()
