"""Targets that come after later samples have come."""

import math

import numpy as np
import pytest
from engine_helpers import bits, blueprint, engine, get, learn, put
from naive import Twin, random_weights

from streamrnn import cells
from streamrnn._registry import plugin
from streamrnn.bank import Bank
from streamrnn.fleet import Fleet
from streamrnn.heads.linear import Linear
from streamrnn.heads.protocol import learn as learn_head
from streamrnn.heads.protocol import read, send_back

WINDOWS = [
    {"truncation": 5, "update_every": 1, "loss_window": 1, "activations": "stored"},
    {"truncation": 6, "update_every": 3, "loss_window": 3, "activations": "stored"},
    {"truncation": 5, "update_every": 1, "loss_window": 4, "activations": "recomputed"},
    {"truncation": 6, "update_every": 2, "loss_window": 5, "activations": "recomputed"},
]


def window_name(window):
    return "-".join(str(value) for value in window.values())


def wait(model, x):
    """One sample whose target will come later."""
    model.row[:] = x
    model.advance_one()
    return model.answer.copy()


def tell(model, age, y, weight=1.0):
    model.y[0, :-1], model.y[0, -1] = y, weight
    model.label(age)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("window", WINDOWS, ids=window_name)
@pytest.mark.parametrize("cell", cells.registry())
def test_at_once_is_as_if_it_had_come_with_the_sample(cell, window, num_layers, rng):
    words = {"cell": cell, "num_layers": num_layers, "scale_target": True}
    words |= {"clip_norm": 0.5, "n_outputs": 2, **window}
    if cell == "lstm":  # moments of gradients, and single precision, with one of the cells
        words |= {"optimizer": "adam", "dtype": "float32"}
    one, other = engine(**words), engine(**words)
    for t in range(40):
        x, y = rng.normal(size=3), rng.normal(size=2)
        if t % 5 == 3:
            y[0] = math.nan
        expected = learn(one, x, y, 0.5 + t % 2)
        assert wait(other, x).tolist() == expected.tolist()
        tell(other, 0, y, 0.5 + t % 2)
        assert bits(one) == bits(other), t
    assert one.counters["updates"] == 40 // window["update_every"]


@pytest.mark.parametrize("activations", ["stored", "recomputed"])
def test_without_a_target_and_then_with_one(activations, rng):
    """With one update a sample, waiting is learning from a target that is not known."""
    one, other = (engine(activations=activations) for _ in range(2))
    for _ in range(20):
        x, y = rng.normal(size=3), rng.normal()
        learn(one, x, None)
        wait(other, x)
        for model in (one, other):
            tell(model, 0, y)
        assert bits(one) == bits(other)


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("window", WINDOWS, ids=window_name)
@pytest.mark.parametrize("delay", ["mixed", 1, "last"])
def test_as_the_twin_has_it(delay, window, num_layers, rng):
    """Ages from 0 to the last step of the window, in and out of order, some never told."""
    words = {"cell": "lstm", "optimizer": "sgd", "lr": 0.05, "scale_target": True, **window}
    weights = random_weights("lstm", 3, 4, num_layers, seed=3)
    twin, model = Twin(weights=weights, **words), engine(num_layers=num_layers, **words)
    put(model, weights)
    K = window["truncation"]
    ages = {"mixed": range(K), 1: [1], "last": [K - 1]}[delay]
    targets, due = {}, {}
    for t in range(1, 80):
        x = rng.normal(size=3)
        np.testing.assert_allclose(wait(model, x), twin.predict(x), rtol=1e-8, atol=1e-9)
        twin.learn(x, None, waits=True)
        targets[t] = x[0] + 3.0
        due.setdefault(t + rng.choice(ages), []).append(t)
        for serial in due.pop(t, []):
            age = model.age_of(serial)
            if t % 9:
                tell(model, age, targets[serial], 1.0 + t % 2)
                twin.label(age, targets[serial], 1.0 + t % 2)
    for name, array in twin.weights.items():
        np.testing.assert_allclose(get(model)[name], array, rtol=0, atol=1e-9, err_msg=name)
    assert {name: model.counters[name] for name in twin.counters} == twin.counters
    assert model.counters["updates"] > 10


def test_what_another_call_left_behind_reaches_no_gradient(rng):
    """The workspace is scratch: rows of it outside the window may hold anything."""
    words = {"activations": "recomputed", "loss_window": 2, "num_layers": 2}
    one, other = engine(**words), engine(**words)
    for _ in range(8):
        x = rng.normal(size=3)
        for model in (one, other):
            learn(model, x, None)
    other.workspace[other.gradient.size :] = math.nan
    for model in (one, other):
        tell(model, 2, 1.0)
    assert one.counters["updates"] == other.counters["updates"] == 1
    assert bits(one) == bits(other)


def test_age_of(rng):
    model = engine()
    assert model.age_of(0) is None
    for t in range(1, 9):
        learn(model, rng.normal(size=3), None)
        assert [model.age_of(s) for s in range(max(1, t - 4), t + 1)] == list(
            reversed(range(min(t, 5)))
        )
        assert model.age_of(t - 5) is None
        assert model.age_of(t + 1) is None
    model.reset_state()
    assert [model.age_of(s) for s in range(10)] == [None] * 10
    learn(model, rng.normal(size=3), None)
    assert [model.age_of(s) for s in (8, 9)] == [None, 0]


@pytest.mark.parametrize("age", [-1, 3, 5])
def test_a_step_that_is_not_there(age, rng):
    model = engine()
    for _ in range(3):
        learn(model, rng.normal(size=3), 1.0)
    before = bits(model)
    with pytest.raises(ValueError, match=f"age={age}, but the window holds the newest 3 steps"):
        tell(model, age, 1.0)
    assert bits(model) == before


@pytest.mark.parametrize(("y", "weight"), [(math.nan, 1.0), (1.0, 0.0), (math.inf, 1.0)])
def test_a_target_that_is_not_known_changes_nothing(y, weight, rng):
    model = engine(scale_target=True)
    for t in range(7):
        learn(model, rng.normal(size=3), 1.0 + t if t % 2 else None)
    before = bits(model)
    for age in range(5):
        tell(model, age, y, weight)
    assert bits(model) == before


def test_the_second_target_of_a_step_takes_the_place_of_the_first(rng):
    model = engine(lr=0.0)
    for _ in range(4):
        learn(model, rng.normal(size=3), 1.0)
    tell(model, 2, -1.0)
    assert model.counters["missing_targets"] == 0
    assert model.parts.targets[1].tolist() == [-1.0, 1.0]


def test_a_row_that_is_used_again_has_no_target(rng):
    """Steps that went out of the window do not leave their targets to those that took their row."""
    model = engine()
    for _ in range(7):
        learn(model, rng.normal(size=3), 1.0)
    for _ in range(5):
        wait(model, rng.normal(size=3))
    assert model.counters["missing_targets"] == 5
    tell(model, 3, 1.0)
    assert model.counters["missing_targets"] == 4


def test_of_one_key_of_many_and_of_a_stream_with_shared_weights(rng):
    kinds = [engine()]
    for kind in (Bank, Fleet):
        many = kind(blueprint())
        many.grow(3, 1)
        many.take()
        many.select(many.take())
        kinds.append(many)
    for t in range(12):
        x = rng.normal(size=3)
        answers = [wait(model, x).tolist() for model in kinds]
        assert answers[0] == answers[1] == answers[2]
        for model in kinds:
            tell(model, min(t, 2), x[0])
    assert [model.counters["updates"] for model in kinds] == [12] * 3


def test_with_a_schedule(rng):
    class Halving:
        def get(self, t):
            return 0.5 ** (t + 1)

    one, other = (engine(lr=Halving()) for _ in range(2))
    for _ in range(6):
        x = rng.normal(size=3)
        learn(one, x, x[0])
        wait(other, x)
        tell(other, 0, x[0])
    assert bits(one) == bits(other)


@plugin(name="trace")
class Trace(Linear):
    """Reads as the linear head does and adds up what it is told when a target comes."""

    def n_memory(self, H, inputs, outputs):
        return H + inputs

    def carry_memory(self, old, old_memory, new, new_memory, places):
        new_memory[: len(old_memory)] = old_memory


read.register(Trace)(read.registry[Linear])
send_back.register(Trace)(send_back.registry[Linear])


@learn_head.register(Trace)
def _(head, team, loss, parameters, memory, h, x, target, z, d_z):
    for j in range(h.size):
        memory[j] += target[0] * h[j]
    for i in range(x.size):
        memory[h.size + i] += target[0] * x[i]


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("activations", ["stored", "recomputed"])
def test_a_head_that_learns_by_itself_is_told_of_the_step(activations, num_layers, rng):
    words = {"activations": activations, "num_layers": num_layers}
    model = engine(head=Trace, **words)
    seen, expected = [], np.zeros(7)
    for t in range(30):
        x = rng.normal(size=3)
        wait(model, x)
        seen.append(np.concatenate([model.hidden, x]))
        age = t % 5 if t >= 5 else 0
        y = rng.normal()
        tell(model, age, y)
        expected += y * seen[-1 - age]
        np.testing.assert_allclose(model.parts.head_memory, expected, rtol=0, atol=1e-12)
