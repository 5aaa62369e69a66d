"""Lanes compute what one thread does, however many there are and in whatever order they come."""

import math

import numpy as np
import pytest
from engine_helpers import bits, blueprint, get
from lane_helpers import by_lanes, by_one, crew_of_lanes, meeting_place

from streamrnn import cells, gradients, heads, losses, optimizers
from streamrnn.backends import cpu
from streamrnn.blueprint import Blueprint
from streamrnn.lanes.team import lanes_at
from streamrnn.linalg import add_product, add_transposed_product
from streamrnn.model import Model
from streamrnn.treatment import Further

#: What numbers may differ by after a thousand updates.
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}

FURTHER = Further(
    quantile=0.9, units=0.5, l2_init=0.01, shrink=1e-4, perturb=1e-3, first=3.0, second=4.0
)
REGULARISED = {"l2": 0.01, "l1": 1e-4, "weight_decay": 0.01, "clip_value": 0.2, "clip_norm": 0.4}


def combinations():
    """Every plug-in at least once, every cell in both precisions."""
    registries = [r.registry() for r in (cells, heads, losses, optimizers, gradients)]
    n = max(2 * len(registries[0]), *map(len, registries))
    for i in range(n):
        chosen = [list(registry)[i % len(registry)] for registry in registries]
        dtype = "float64" if i // len(registries[0]) % 2 == 0 else "float32"
        yield pytest.param(*chosen, dtype, i, id="-".join([*chosen, dtype]))


def made(cell, head, loss, optimizer, activations, dtype, i):
    """A model with two layers or one, further treatment or none."""
    base = blueprint(
        cell,
        hidden_size=3 if i else 9,  # of which a weight gradient has a tile
        num_layers=1 + (i % 3 == 1),
        truncation=2 + i % 2,
        head=heads.registry()[head],
        loss=loss,
        n_outputs=3 if losses.registry()[loss].task != "classification" or i % 2 else 2,
        optimizer=optimizer,
        lr=0.005,
        activations=activations,
        scale_inputs=True,
        clip_norm=1.0,
        dtype=dtype,
    )
    if losses.registry()[loss].task == "classification":
        base.shape = base.shape._replace(n_outputs=base.plugins.loss.n_outputs(2))
    settings = base.settings._replace(**REGULARISED) if i % 4 == 1 else base.settings
    plugins = base.plugins._replace(treatment=FURTHER) if i % 4 == 2 else base.plugins
    model = Model(Blueprint(plugins, base.shape, settings, dtype, base.init, base.seed))
    model.grow(2, model.sizes.n_outputs)
    return model


def samples(model, n, seed=0):
    """Rows with missing values, unknown targets and weights."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2)).cumsum(axis=0) * 0.2
    Y = np.ones((n, model.sizes.n_targets + 1))
    Y[:, :-1] = np.sin(X[:, :1] + np.arange(model.sizes.n_targets))
    if model.plugins.loss.task != "regression":
        Y[:, :-1] = Y[:, :-1] > 0
    Y[::7, 0] = np.nan
    Y[::5, -1] = 0.5
    X[::11, 1] = np.nan
    return X, Y


def learnt(model, X, Y):
    out = np.zeros((len(X), model.n_columns))
    model.run(X, Y, out, True)
    return out


@pytest.mark.parametrize(
    ("cell", "head", "loss", "optimizer", "activations", "dtype", "i"), list(combinations())
)
def test_a_thousand_updates_by_lanes_and_by_one(cell, head, loss, optimizer, activations, dtype, i):
    one, many = (made(cell, head, loss, optimizer, activations, dtype, i) for _ in range(2))
    X, Y = samples(one, 1000)
    expected = learnt(by_one(one), X, Y)
    found = learnt(by_lanes(many, 3 + i % 2), X, Y)

    bound = TOLERANCE[dtype]
    np.testing.assert_allclose(found, expected, atol=bound, rtol=bound)
    assert one.counters == many.counters
    assert one.counters["updates"] > 800
    for name, values in get(one).items():
        scale = max(1.0, np.abs(values).max())
        np.testing.assert_allclose(get(many)[name], values, atol=bound * scale, err_msg=name)


@pytest.mark.parametrize("n_lanes", [1, 2, 5, 8, 33])
@pytest.mark.parametrize("cell", cells.registry())
def test_bits_do_not_depend_on_the_order_of_lanes(cell, n_lanes):
    """No lane reads in a phase what another writes in it."""
    models = [made(cell, "rls", "squared", "adam", "stored", "float32", 2) for _ in range(2)]
    X, Y = samples(models[0], 25)
    for turn, model in enumerate(models):
        learnt(by_lanes(model, n_lanes, turn), X, Y)
    assert bits(models[0]) == bits(models[1])


@pytest.mark.parametrize("task", ["late", "predicted"])
def test_late_targets_and_predictions(task):
    models = [made("lstm", "linear", "huber", "adam", "recomputed", "float64", 0) for _ in "12"]
    X, Y = samples(models[0], 60)
    for model, run in zip(models, (by_one, lambda model: by_lanes(model, 4)), strict=True):
        run(model)
        for x, y in zip(X, Y, strict=True):
            model.row[:] = x
            if task == "late":
                model.advance_one()
                model.y[0] = y
                model.label(0)
            else:
                model.y[0] = y
                model.run_one(True)
                model.run_one(False)
    np.testing.assert_allclose(models[1].arena, models[0].arena, atol=1e-10)
    np.testing.assert_allclose(models[1].out, models[0].out, atol=1e-10)


def test_gradients_that_are_not_finite_are_left_out_by_lanes_too():
    models = [made("gru", "linear", "squared", "sgd", "stored", "float32", 0) for _ in "12"]
    X, Y = samples(models[0], 30)
    Y[10, -1] = 1e25
    with np.errstate(over="ignore"):  # as compiled code does
        outs = [learnt(by_one(models[0]), X, Y), learnt(by_lanes(models[1], 3), X, Y)]
    assert models[0].counters == models[1].counters
    assert models[0].counters["skipped"] == 1
    np.testing.assert_allclose(outs[1], outs[0], atol=1e-4)


def test_compiled_lanes_are_as_those_in_python():
    models = [made("lstm", "rls", "huber", "adam", "stored", "float64", 0) for _ in "12"]
    X, Y = samples(models[0], 300)
    expected = learnt(by_lanes(models[0], 5), X, Y)
    found = learnt(by_lanes(models[1], 5, make=cpu.compiled), X, Y)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert math.isfinite(models[1].arena.sum())


@pytest.mark.parametrize("shape", [(1, 400), (400, 1), (3, 300), (20, 20)])
def test_products_with_a_matrix_of_any_shape(shape):
    """A head may have one for which the lanes of its model have no room for parts of sums."""
    model = made("gru", "rls", "squared", "sgd", "stored", "float64", 1)
    memory = meeting_place(model, 4)
    team = lanes_at(crew_of_lanes(model), cpu.address(memory), 4)
    draw = np.random.default_rng(0)
    weights, values, deltas = (draw.normal(size=n) for n in (shape, shape[0], shape[1]))
    out, other = np.ones(shape[1]), np.ones(shape[0])
    add_product(team, weights, values, shape[0], out)
    add_transposed_product(team, weights, deltas, shape[0], 0, other)
    np.testing.assert_allclose(out, 1 + values @ weights, atol=1e-12)
    np.testing.assert_allclose(other, 1 + weights @ deltas, atol=1e-12)
