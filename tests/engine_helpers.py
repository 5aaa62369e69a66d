"""What the tests of the engine below the estimators share: models by words, and their bits."""

import math
from functools import partial

import numpy as np

from streamrnn import cells, gradients, heads, losses, optimizers, weights
from streamrnn.blueprint import Blueprint
from streamrnn.layout import Sizes, row_width
from streamrnn.learner import Plugins
from streamrnn.model import Model
from streamrnn.updates import Settings


def blueprint(
    cell="gru",
    *,
    hidden_size=4,
    num_layers=1,
    truncation=5,
    update_every=1,
    loss_window=1,
    activations="stored",
    optimizer="sgd",
    lr=0.05,
    clip_norm=math.inf,
    loss="squared",
    n_outputs=1,
    head=None,
    scale_inputs=False,
    scale_target=False,
    dtype="float64",
    init="torch",
    lagged_target=False,
    predict_change=False,
    is_series=False,
    scale_clip=math.inf,
):
    loss = losses.registry()[loss]()
    plugins = Plugins(
        cell=cells.registry()[cell](),
        head=(head or heads.registry()["linear"])(),
        loss=loss,
        optimizer=optimizers.registry()[optimizer](lr=lr),
        algorithm=gradients.registry()[activations](),
    )
    shape = Sizes(
        hidden_size=hidden_size,
        num_layers=num_layers,
        truncation=truncation,
        update_every=update_every,
        loss_window=loss_window,
        n_outputs=n_outputs,
    )
    settings = Settings(
        clip_norm=clip_norm,
        scale_inputs=float(scale_inputs),
        scale_target=float(scale_target),
        scale_clip=scale_clip,
        shrink=float(getattr(loss, "is_centred", False)),
    )
    return Blueprint(
        plugins, shape, settings, dtype, init, 5, lagged_target, predict_change, is_series
    )


def engine(n_inputs=3, **words):
    """A model of `blueprint(**words)` with some inputs."""
    model = Model(blueprint(**words))
    model.grow(n_inputs, model.sizes.n_outputs)
    return model


def put(model, arrays):
    """Take over parameters; a head that learns by itself starts from what it has learnt."""
    parts = model.parts
    learnt = weights.get(model.plugins, model.sizes, parts.parameters, parts.head_memory)
    arrays = weights.as_arrays(learnt | arrays, model.blueprint.dtype)
    weights.check(model.plugins, model.sizes, arrays)
    weights.put(model.plugins, model.sizes, parts.parameters, parts.head_memory, arrays)


def get(model):
    """The parameters, which learn by gradient."""
    return weights.get(model.plugins, model.sizes, model.parts.parameters)


def learn(model, x, y, weight=1.0):
    """One sample; returns what was predicted before."""
    model.row[:] = x
    model.y[0, :-1] = math.nan if y is None else y
    model.y[0, -1] = weight
    model.run_one(True)
    return model.answer.copy()


def bits(model):
    return model.arena.tobytes() + model.statistics.tobytes()


def rls(**numbers):
    """A head that learns by recursive least squares, for `blueprint`."""
    return partial(heads.registry()["rls"], **numbers)


def rls_memory(model):
    """The weights, (outputs, n), and the covariance, (n, n), of the head that `rls` gives."""
    sizes, memory = model.sizes, model.parts.head_memory.astype(float)
    n = 1 + sizes.hidden_size + row_width(sizes, 0)
    end = memory.size - sizes.n_outputs - 1
    root = memory[end - n * n : end].reshape(n, n)
    return memory[: sizes.n_outputs * n].reshape(-1, n), root @ root.T


def rows(targets, weight=1.0):
    """Targets, (T,) or (T, n), with the column of weights."""
    targets = np.asarray(targets, float).reshape(len(targets), -1)
    return np.column_stack([targets, np.full(len(targets), weight)])
