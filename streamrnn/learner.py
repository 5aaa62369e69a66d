"""One sample: predict it, then learn from it. Knows neither River nor a backend."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.actions import are_finite, copy_together
from streamrnn.changes import note_prediction
from streamrnn.gradients.protocol import backpropagate, recall, remember
from streamrnn.heads.protocol import learn as learn_head
from streamrnn.heads.protocol import read
from streamrnn.lags import write_lags, write_recent
from streamrnn.layout import Parts, Sizes, head_weights
from streamrnn.linalg import fill
from streamrnn.losses.protocol import decode
from streamrnn.network import step
from streamrnn.scaling import keep_inputs, n_missing, scale_inputs
from streamrnn.statistics import (
    FILLED,
    MISSING_TARGETS,
    MISSING_VALUES,
    PENDING,
    POSITION,
    SAMPLES,
    STATE_RESETS,
    Statistics,
)
from streamrnn.targets import assume_prediction, keep_target, teaches, write_in_units
from streamrnn.treatment import Usual
from streamrnn.updates import Settings, apply_gradient
from streamrnn.views import row, vector
from streamrnn.workspace import Workspace

#: What is done with a sample: to predict it, writing only `out` and the workspace; to predict and
#: learn; to help another thread that does; to learn the target of an old one; to predict and go on,
#: since the target will come later; to predict and go on as if that were the target; to predict and
#: go on knowing the target, without learning from it.
PREDICT, LEARN, ASSIST, LABEL, ADVANCE, ROLL, OBSERVE = range(7)


class Plugins(NamedTuple):
    """What a model is made of; compiled code is chosen by the types of the fields."""

    cell: Any
    head: Any
    loss: Any
    optimizer: Any
    algorithm: Any
    treatment: Any = Usual()


@glue
def predict(
    plugins: Plugins,
    sizes: Sizes,
    settings: Settings,
    parts: Parts,
    statistics: Statistics,
    work: Workspace,
    values: np.ndarray,
    out: np.ndarray,
) -> None:
    """Predict one sample from the carried state. Only the workspace and `out` are written.

    Parameters
    ----------
    plugins, sizes, settings, parts, statistics, work
        The model.
    values
        Raw inputs, float64, (n_inputs,); NaN is a missing value.
    out
        The prediction, float64: (n_outputs,) in the target's units, or a probability a class.
    """
    if sizes.n_recent > 0:
        write_recent(plugins.algorithm, sizes, parts, statistics, work)
    scaled = vector(work.x, 0, sizes.n_inputs)
    scale = settings.scale_inputs != 0.0
    scale_inputs(values, statistics.inputs, scale, settings.scale_clip, scaled)
    if sizes.n_lags > 0:
        lags = vector(work.x, sizes.n_inputs, sizes.n_lags)
        write_lags(sizes, parts.targets, statistics.counters, lags)
    step(
        work.team,
        plugins.cell,
        sizes,
        parts.parameters,
        work.x,
        parts.state,
        work.after,
        work.factors,
        work.pre,
    )
    h = vector(row(work.after, sizes.num_layers - 1), 0, sizes.hidden_size)
    weights = head_weights(sizes, parts.parameters)
    read(plugins.head, weights, parts.head_memory, h, work.x, work.z)
    _make_finite(work.z)
    decode(plugins.loss, work.z, out)
    write_in_units(sizes, settings, statistics, out)


@glue
def _make_finite(z):
    """Fall back to all zeros, a regression's mean, if the state or the outputs have overflown."""
    finite = True
    for k in range(z.size):
        finite &= abs(z[k]) < math.inf
    if not finite:
        fill(z, 0.0)


@glue
def _advance(plugins, sizes, settings, parts, statistics, work, values, task):
    """Take the step that `predict` has just computed; return its row in the rings, -1 if none."""
    counters = statistics.counters
    slot: Any = np.intp(counters[POSITION])
    good = are_finite(work.team, work.after)
    scale, clip, memory = settings.scale_inputs != 0.0, settings.scale_clip, settings.scale_memory
    if task == OBSERVE:
        counters[MISSING_VALUES] += n_missing(values, sizes.n_inputs, scale)
    elif task != ROLL:
        missing = keep_inputs(values, statistics.inputs, scale, clip, memory)
        counters[MISSING_VALUES] += missing
    counters[SAMPLES] += 1
    if good:
        remember(plugins.algorithm, sizes, parts, work, slot)
        if sizes.is_change != 0:
            note_prediction(sizes, statistics, slot, work.z)
    for layer in range(sizes.num_layers):
        state = row(parts.state, layer)
        if good:
            copy_together(work.team, row(work.after, layer), state.size, state)
        else:
            fill(state, 0.0)
    if not good:
        counters[STATE_RESETS] += 1
        counters[POSITION] = 0
        counters[FILLED] = 0
        counters[PENDING] = 0
        return np.intp(-1)
    counters[POSITION] = (slot + 1) % sizes.truncation
    if counters[FILLED] < sizes.truncation:
        counters[FILLED] += 1
    counters[MISSING_TARGETS] += 1  # until it is known
    parts.targets[slot, sizes.n_targets] = 0  # the step that was in this row may have had one
    return slot


@glue
def take(
    plugins: Plugins,
    sizes: Sizes,
    settings: Settings,
    parts: Parts,
    statistics: Statistics,
    work: Workspace,
    values: np.ndarray,
    target: np.ndarray,
    task: int,
    age: int,
) -> Any:
    """Take the step that `predict` has just computed, or find an old one; note its target.

    The arguments are those of `learn`. Returns the step's row in the rings, -1 if there is nothing
    to learn: the step failed, is not kept or only observed, or no target came for an old one.
    """
    counters = statistics.counters
    slot: Any = (np.intp(counters[POSITION]) - 1 - age) % sizes.truncation
    if task != LABEL:
        slot = _advance(plugins, sizes, settings, parts, statistics, work, values, task)
        if slot < 0:
            return slot
    ring = row(parts.targets, slot)
    if task == ROLL:
        assume_prediction(sizes, settings, statistics, ring, work.z)
        return np.intp(-1)
    missing = ring[sizes.n_targets] == 0
    known = keep_target(
        sizes, settings, statistics, slot, ring, target, age, task == LABEL, task != OBSERVE
    )
    if known and missing:
        counters[MISSING_TARGETS] -= 1
    if task == OBSERVE:
        if counters[SAMPLES] % sizes.update_every == 0:
            counters[PENDING] = 0  # the update that would have been due is left out for good
        return np.intp(-1)
    if known and teaches(sizes, ring):
        counters[PENDING] += 1
    if task == LABEL and not known:
        return np.intp(-1)
    return slot


@glue
def has_gradient(
    plugins: Plugins,
    sizes: Sizes,
    parts: Parts,
    counters: np.ndarray,
    work: Workspace,
    task: int,
    age: int,
    slot: int,
) -> bool:
    """Write the gradient to the workspace if an update is due; say whether there is one.

    The arguments are those of `learn`; `slot` is what `take` returned.
    """
    if task == ADVANCE or (counters[SAMPLES] - age) % sizes.update_every != 0:
        return False
    anything = counters[PENDING] > 0
    if anything:
        n = np.intp(counters[FILLED]) - age
        backpropagate(plugins.algorithm, plugins, sizes, parts, work, slot, n)
    counters[PENDING] = 0
    return anything


@glue
def learn(
    plugins: Plugins,
    sizes: Sizes,
    settings: Settings,
    parts: Parts,
    statistics: Statistics,
    work: Workspace,
    values: np.ndarray,
    target: np.ndarray,
    task: int,
    age: int,
    lr: float,
) -> None:
    """Advance by the sample that `predict` has just seen, and learn from it; or learn from an old.

    An update is made with every ``update_every``-th sample, if a target came since the last one.

    Parameters
    ----------
    plugins, sizes, settings, parts, statistics, work, values
        As `predict` had them.
    target
        Float64, (n_targets + 1,); NaN where it is not known. The last number is the weight of the
        sample. If it is 0 or nothing is known, the state advances, and that is all.
    task
        LEARN; ADVANCE: the target will come later, and no update is made before; LABEL: it has come
        now, and there is no step; ROLL: the step is taken as if its target were what
        was predicted, and nothing is learnt; OBSERVE: the target is known to the steps that follow,
        and nothing is learnt, moments included.
    age
        Whose target it is: that of the step so many before the newest; 0 but for LABEL.
    lr
        Learning rate of the next update.
    """
    counters = statistics.counters
    slot = take(plugins, sizes, settings, parts, statistics, work, values, target, task, age)
    if slot < 0:
        return
    if has_gradient(plugins, sizes, parts, counters, work, task, age, slot):
        apply_gradient(plugins, sizes, settings, lr, counters, parts, work)
    scaled = row(parts.targets, slot)
    if scaled[sizes.n_targets] != 0:
        weights, h = head_weights(sizes, parts.parameters), vector(work.pre, 0, sizes.hidden_size)
        recall(plugins.algorithm, sizes, parts, slot, age, h, work.x)
        z, d_z = work.z, work.d_z
        memory = parts.head_memory
        learn_head(
            plugins.head, work.team, plugins.loss, weights, memory, h, work.x, scaled, z, d_z
        )
