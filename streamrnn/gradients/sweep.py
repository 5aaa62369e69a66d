"""The backward sweep through a window of recorded steps, shared by the truncated-BPTT algorithms.

Layer by layer from the top: one pass over the window from the newest step to the oldest gives every
step's deltas; then one matrix product, (inputs and states of the window)ᵀ (deltas), is the whole
weight gradient, instead of one rank-one update for each step; and one more product takes the deltas
down to the layer below.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.cells.protocol import backward
from streamrnn.heads.protocol import read, send_back
from streamrnn.layout import (
    Parts,
    Sizes,
    Tape,
    Workspace,
    features,
    head_weights,
    layer_tape,
    layer_weights,
)
from streamrnn.linalg import (
    add_transposed_product,
    copy,
    fill,
    sum_of_outer_products,
    sum_of_rows,
)
from streamrnn.losses.protocol import slope
from streamrnn.pacing import begin_window, note_loss
from streamrnn.views import matrix, row, rows, vector


@glue
def record_inputs(
    sizes: Sizes, tape: np.ndarray, layer: int, slot: int, x: np.ndarray, before: np.ndarray
) -> None:
    """Write what a layer's weights multiply in one step."""
    ring = layer_tape(sizes, tape, layer)
    copy(x, ring.inputs.shape[1], row(ring.inputs, slot))
    copy(before, sizes.hidden_size, row(ring.states, slot))


@glue
def backpropagate_window(
    plugins: Any,
    sizes: Sizes,
    parts: Parts,
    work: Workspace,
    tape: np.ndarray,
    slot: int,
    n: int,
) -> None:
    """Write the gradient of a window of `n` recorded steps, the last in row `slot`.

    The losses of the newest ``loss_window`` steps count, each with weight 1 / ``loss_window``; the
    state before the window is a constant.
    """
    top = sizes.num_layers - 1
    m = n if n < sizes.loss_window else sizes.loss_window
    _errors_of_losses(plugins, sizes, parts, work, tape, slot, m)
    # Products go over the rows of the rings up to the window's end, or over all if it goes round
    # their end; what is not in the window has no deltas.
    reach = slot + 1 if slot + 1 >= n else sizes.truncation
    if reach > n:
        for r in range(reach):
            if (slot - r) % sizes.truncation >= n:
                fill(row(work.deltas, r), 0.0)
    for depth in range(sizes.num_layers):
        layer = top - depth
        weights = layer_weights(sizes, parts.parameters, layer)
        gradient = layer_weights(sizes, work.gradient, layer)
        ring = layer_tape(sizes, tape, layer)
        _sweep_layer(plugins.cell, sizes, weights.states, work, ring, slot, n, n if depth else m)
        of_input = 0 * sizes.hidden_size  # a bare 0 is a type of its own and compiles twice
        of_state = (sizes.gates - sizes.state_gates) * sizes.hidden_size
        _weight_gradient(work, ring.inputs, of_input, reach, gradient.inputs)
        _weight_gradient(work, ring.states, of_state, reach, gradient.states)
        if layer > 0:
            _errors_of_layer_below(sizes, weights.inputs, work, reach)


@glue
def _weight_gradient(work, inputs, first, n, gradient):
    """Write the gradient of a weight matrix; its last row is the bias, whose input is always 1."""
    last = gradient.shape[0] - 1
    sum_of_outer_products(work.team, inputs, work.deltas, first, n, rows(gradient, last))
    sum_of_rows(work.deltas, first, n, row(gradient, last))


@glue
def _errors_of_losses(plugins, sizes, parts, work, tape, slot, m):
    """Send the newest `m` losses through the head: `work.errors` and the head's gradient."""
    hidden, inputs = features(sizes, tape), layer_tape(sizes, tape, 0).inputs
    parameters = head_weights(sizes, parts.parameters)
    gradient = head_weights(sizes, work.gradient)
    fill(gradient, 0.0)
    begin_window(plugins.optimizer, work.window)
    for back in range(m):
        r = (slot - back) % sizes.truncation
        error, target = row(work.errors, r), row(parts.targets, r)
        weight = target[sizes.n_targets]
        if not weight > 0:  # not known, or only observed
            fill(error, 0.0)
            continue
        h, x = row(hidden, r), row(inputs, r)
        read(plugins.head, parameters, parts.head_memory, h, x, work.z)
        slope(plugins.loss, work.z, target, work.d_z)
        for k in range(work.d_z.size):
            work.d_z[k] /= sizes.loss_window
            work.d_z[k] *= weight
        for k in range(sizes.n_targets):
            if not abs(target[k]) < math.inf:  # that component is not known
                work.d_z[k] = 0
        note_loss(plugins.optimizer, plugins.loss, sizes, work.z, target, work.d_z, work.window)
        send_back(plugins.head, parameters, parts.head_memory, h, x, work.d_z, error, gradient)


@glue
def _sweep_layer(
    cell: tuple,
    sizes: Sizes,
    weights: np.ndarray,
    work: Workspace,
    ring: Tape,
    slot: int,
    n: int,
    n_errors: int,
) -> None:
    """Go back through one layer's window; only the newest `n_errors` steps have errors."""
    H = sizes.hidden_size
    of_state = (sizes.gates - sizes.state_gates) * H
    d_state = work.d_state
    fill(d_state, 0.0)
    for back in range(n):
        r = (slot - back) % sizes.truncation
        deltas = row(work.deltas, r)
        if back < n_errors:
            error = row(work.errors, r)
            for j in range(H):
                d_state[j] += error[j]
        backward(
            cell,
            matrix(row(ring.factors, r), 0, sizes.n_factors, H),
            matrix(d_state, 0, sizes.n_states, H),
            matrix(deltas, 0, sizes.gates, H),
        )
        if back < n - 1:
            reached_by_state = vector(deltas, of_state, sizes.state_gates * H)
            add_transposed_product(work.team, weights, reached_by_state, H, back, d_state)


@glue
def _errors_of_layer_below(sizes, weights, work, n):
    """Turn a layer's deltas into the errors of the layer below, step by step."""
    columns = sizes.input_gates * sizes.hidden_size
    for r in range(n):
        error = row(work.errors, r)
        fill(error, 0.0)
        reached_by_input = vector(row(work.deltas, r), 0, columns)
        add_transposed_product(work.team, weights, reached_by_input, sizes.hidden_size, r, error)
