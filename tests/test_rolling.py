"""Going forward without learning, the hidden state, and the optimizer's rate and restart."""

import copy
import math
import pickle

import numpy as np
import pytest
from engine_helpers import bits, blueprint, engine, get, learn
from naive import OPTIMIZERS
from test_online_twin import CASES

from streamrnn.bank import Bank
from streamrnn.fleet import Fleet
from streamrnn.updates import GREATEST_RATE

#: The cell, the loss and the algorithm that each optimizer is compiled with for its twin, too.
COMPANY = {optimizer: (cell, loss, how) for cell, loss, optimizer, how in map(str.split, CASES)}


def trained(rng, n=12, **words):
    model = engine(**{"cell": "lstm", "num_layers": 2, **words})
    for _ in range(n):
        x = rng.normal(size=3)
        learn(model, x, x[0] + 2.0)
    return model


def roll(model, X):
    out = []
    with model.rolling():
        for x in X:
            model.row[:] = x
            model.roll_one()
            out.append(model.answer.copy())
    return np.array(out)


def many(kind, **words):
    model = kind(blueprint(cell="lstm", num_layers=2, **words))
    model.grow(3, 1)
    model.select(model.take())
    return model


class TestRolling:
    @pytest.mark.parametrize("activations", ["stored", "recomputed"])
    def test_it_predicts_as_a_model_that_goes_on_and_learns_nothing(self, activations, rng):
        model = trained(rng, activations=activations)
        still = copy.deepcopy(model)
        before, X = bits(model), rng.normal(size=(9, 3))
        X[3, 1] = math.nan
        found = roll(model, X)
        assert bits(model) == before
        expected = [learn(still, x, None) for x in X]
        assert found.tobytes() == np.array(expected).tobytes()
        assert roll(model, X).tobytes() == found.tobytes()

    @pytest.mark.parametrize("kind", [Bank, Fleet])
    def test_of_many_models(self, kind, rng):
        model, one = many(kind), engine(cell="lstm", num_layers=2)
        X = rng.normal(size=(9, 3))
        for x in X:
            for each in (model, one):
                learn(each, x, x[0])
        before = bits(model)
        assert roll(model, X).tobytes() == roll(one, X).tobytes()
        assert bits(model) == before

    def test_the_state_comes_back_after_an_error(self, rng):
        model = trained(rng)
        before = bits(model)

        def fail():
            with model.rolling():
                model.row[:] = 1.0
                model.roll_one()
                assert bits(model) != before
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert bits(model) == before

    def test_only_where_it_is_undone(self, rng):
        model = trained(rng)
        before = bits(model)
        with pytest.raises(RuntimeError, match="rolling"):
            model.roll_one()
        with model.rolling():
            pass
        with pytest.raises(RuntimeError, match="rolling"):
            model.roll_one()
        assert bits(model) == before

    def test_a_state_that_is_not_finite_starts_again(self, rng):
        model = engine(cell="rnn_relu", loss="absolute", dtype="float32")
        still = copy.deepcopy(model)
        X = np.tile([1e10, 1.0, -1e10], (60, 1))
        for each in (model, still):
            each.parts.parameters[:] *= 100
        found = roll(model, X)
        assert found.tobytes() == np.array([learn(still, x, None) for x in X]).tobytes()
        assert still.counters["state_resets"] > 0


@pytest.mark.parametrize("num_layers", [1, 3])
def test_hidden_is_the_state_after_the_step(num_layers, rng):
    model = engine(cell="lstm", num_layers=num_layers)
    for _ in range(6):
        model.row[:] = rng.normal(size=3)
        model.run_one(False)
        hidden = model.hidden.copy()
        assert hidden.shape == (4,)
        model.run_one(True)
        assert hidden.tolist() == model.parts.state[-1, :4].tolist() == model.hidden.tolist()
    assert abs(hidden).max() > 0


class TestRate:
    @pytest.mark.parametrize("kind", [None, Bank, Fleet])
    def test_it_is_a_factor_of_every_rate(self, kind, rng):
        class Falling:
            def get(self, t):
                return 0.1 / (1 + t)

        class Twice(Falling):
            def get(self, t):
                return 2 * super().get(t)

        pairs = [(0.05, 0.1), (Falling(), Twice())]
        for lr, twice in pairs:
            words = {"cell": "lstm", "num_layers": 2}
            one = many(kind, lr=lr) if kind else engine(lr=lr, **words)
            other = many(kind, lr=twice) if kind else engine(lr=twice, **words)
            one.rate_factor = 2.0
            one.grow(4, 1)
            other.grow(4, 1)
            for _ in range(5):
                x = rng.normal(size=4)
                for model in (one, other):
                    learn(model, x, x[0])
            assert bits(one) == bits(other)

    @pytest.mark.parametrize("kind", [None, Bank, Fleet])
    def test_it_is_kept(self, kind, rng):
        model = many(kind) if kind else trained(rng)
        model.rate_factor = 0.25
        assert pickle.loads(pickle.dumps(model)).rate_factor == 0.25
        assert copy.copy(model).rate_factor == 0.25
        if kind:
            assert model.alone().rate_factor == 0.25
        assert trained(rng).rate_factor == 1.0

    @pytest.mark.parametrize("factor", [-1.0, math.nan, math.inf, 2 * GREATEST_RATE / 0.05])
    def test_one_that_is_no_factor(self, factor, rng):
        model = trained(rng)
        model.rate_factor = 0.5
        with pytest.raises(ValueError, match="rate_factor"):
            model.rate_factor = factor
        assert model.rate_factor == 0.5


class TestReset:
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_the_next_updates_are_those_of_a_new_optimizer(self, optimizer, rng):
        cell, loss, how = COMPANY.get(optimizer, ("lstm", "squared", "stored"))
        words = {"cell": cell, "loss": loss, "activations": how, "optimizer": optimizer}
        model = trained(rng, **words)
        model.reset_optimizer()
        fresh = engine(num_layers=2, **words)
        fresh.parts.parameters[:] = model.parts.parameters
        fresh.parts.state[:] = model.parts.state
        fresh.parts.targets[:], fresh.parts.memory[:] = model.parts.targets, model.parts.memory
        counters = fresh.statistics.size - 3 * 4
        fresh.statistics[:] = model.statistics
        assert model.counters["updates"] == fresh.counters["updates"] == 12
        fresh.statistics[1] = 0  # no update yet
        assert counters == 11
        for _ in range(3):
            x = rng.normal(size=3)
            learn(model, x, x[0])
            learn(fresh, x, x[0])
        assert fresh.arena.tobytes() == model.arena.tobytes()
        assert model.counters["updates"] == 15

    @pytest.mark.parametrize("kind", [Bank, Fleet])
    def test_of_many_models(self, kind, rng):
        model, one = many(kind, optimizer="adam"), trained(rng, 0, optimizer="adam")
        for t in range(10):
            x = rng.normal(size=3)
            for each in (model, one):
                learn(each, x, x[0])
                if t == 5:
                    each.reset_optimizer()
        for name, array in get(one).items():
            assert get(model)[name].tolist() == array.tolist()

    def test_a_schedule_goes_on(self, rng):
        class Once:
            def get(self, t):
                return 0.1 if t < 12 else 0.0

        model = trained(rng, lr=Once())
        model.reset_optimizer()
        before = model.parts.parameters.copy()
        learn(model, rng.normal(size=3), 9.0)
        assert (model.parts.parameters == before).all()
