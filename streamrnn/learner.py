"""One sample: predict it, then learn from it. Knows neither River nor a backend."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.gradients.protocol import backpropagate, remember
from streamrnn.heads.protocol import learn as learn_head
from streamrnn.heads.protocol import read
from streamrnn.layout import Parts, Sizes, Workspace, head_weights
from streamrnn.linalg import copy, fill
from streamrnn.losses.protocol import decode
from streamrnn.network import step
from streamrnn.scaling import (
    is_usable,
    keep_and_scale_target,
    keep_inputs,
    scale_inputs,
    unscale,
)
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
from streamrnn.updates import Settings, apply_gradient
from streamrnn.views import row, vector


class Plugins(NamedTuple):
    """What a model is made of; compiled code is chosen by the types of the fields."""

    cell: Any
    head: Any
    loss: Any
    optimizer: Any
    algorithm: Any


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
    scale_inputs(values, statistics.inputs, settings.scale_inputs != 0.0, work.x)
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
    if settings.scale_target != 0.0:
        for k in range(out.size):
            out[k] = unscale(out[k], statistics.targets, k)


@glue
def _make_finite(z):
    """Fall back to all zeros, a regression's mean, if the state or the outputs have overflown."""
    finite = True
    for k in range(z.size):
        finite &= abs(z[k]) < math.inf
    if not finite:
        fill(z, 0.0)


@glue
def forget_window(parts: Parts, counters: np.ndarray) -> None:
    """Start again from a zero state and an empty window; what was learnt stays."""
    state = parts.state
    for layer in range(state.shape[0]):
        for j in range(state.shape[1]):
            state[layer, j] = 0
    counters[POSITION] = 0
    counters[FILLED] = 0
    counters[PENDING] = 0


@glue
def _is_finite(rows):
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            if not abs(rows[i, j]) < math.inf:
                return False
    return True


@glue
def _keep_target(sizes, settings, statistics, ring, target):
    """Write the scaled target and its weight to a row of the ring; say if anything is known."""
    scale, last = settings.scale_target != 0.0, sizes.n_targets
    ring[last] = target[last]  # as the ring has it: too small a weight is 0 there
    known = False
    for k in range(last):
        known |= is_usable(target[k], scale)
    known = known and 0 < ring[last] < math.inf
    for k in range(last):
        if not known or not is_usable(target[k], scale):
            ring[k] = math.nan
        elif scale:
            ring[k] = keep_and_scale_target(target[k], statistics.targets, k)
        else:
            ring[k] = target[k]
    if not known:
        ring[last] = 0
    return known


@glue
def advance(
    plugins: Plugins,
    sizes: Sizes,
    settings: Settings,
    parts: Parts,
    statistics: Statistics,
    work: Workspace,
    values: np.ndarray,
    target: np.ndarray,
) -> Any:
    """Take the step that `predict` has just computed; return its row in the rings, -1 if it failed.

    The arguments are those of `learn`.
    """
    counters = statistics.counters
    counters[SAMPLES] += 1
    counters[MISSING_VALUES] += keep_inputs(values, statistics.inputs, settings.scale_inputs != 0.0)
    if not _is_finite(work.after):
        counters[STATE_RESETS] += 1
        forget_window(parts, counters)
        return np.intp(-1)
    slot: Any = np.intp(counters[POSITION])
    remember(plugins.algorithm, sizes, parts, work, slot)
    for layer in range(sizes.num_layers):
        copy(row(work.after, layer), parts.state.shape[1], row(parts.state, layer))
    known = _keep_target(sizes, settings, statistics, row(parts.targets, slot), target)
    counters[PENDING if known else MISSING_TARGETS] += 1
    counters[POSITION] = (slot + 1) % sizes.truncation
    if counters[FILLED] < sizes.truncation:
        counters[FILLED] += 1
    return slot


@glue
def has_gradient(
    plugins: Plugins, sizes: Sizes, parts: Parts, counters: np.ndarray, work: Workspace, slot: int
) -> bool:
    """Write the gradient to the workspace if an update is due; say whether there is one."""
    if counters[SAMPLES] % sizes.update_every != 0:
        return False
    anything = counters[PENDING] > 0
    if anything:
        n = np.intp(counters[FILLED])
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
    lr: float,
) -> None:
    """Advance by the sample that `predict` has just seen, and learn from it.

    An update is made with every ``update_every``-th sample, if a target came since the last one.

    Parameters
    ----------
    plugins, sizes, settings, parts, statistics, work, values
        As `predict` had them.
    target
        Float64, (n_targets + 1,); NaN where it is not known. The last number is the weight of the
        sample. If it is 0 or nothing is known, the state advances, and that is all.
    lr
        Learning rate of the next update.
    """
    counters = statistics.counters
    slot = advance(plugins, sizes, settings, parts, statistics, work, values, target)
    if slot < 0:
        return
    if has_gradient(plugins, sizes, parts, counters, work, slot):
        apply_gradient(
            work.team,
            plugins.optimizer,
            settings,
            lr,
            counters,
            parts.parameters,
            work.gradient,
            parts.slots,
        )
    scaled = row(parts.targets, slot)
    if scaled[sizes.n_targets] != 0:
        weights = head_weights(sizes, parts.parameters)
        h = vector(row(parts.state, sizes.num_layers - 1), 0, sizes.hidden_size)
        learn_head(plugins.head, weights, parts.head_memory, h, work.x, scaled)
