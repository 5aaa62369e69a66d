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

from streamrnn._dispatch import glue, glue_by_type
from streamrnn.actions import copy_together, fill_together
from streamrnn.cells.protocol import backward
from streamrnn.heads.protocol import read, send_back
from streamrnn.layout import Parts, Sizes, Tape, features, head_weights, layer_tape, layer_weights
from streamrnn.linalg import (
    add_transposed_product,
    fill,
    sum_of_outer_products,
    sum_of_rows,
)
from streamrnn.losses.protocol import slope
from streamrnn.pacing import begin_window, note_loss
from streamrnn.views import matrix, row, rows, vector
from streamrnn.workspace import Workspace


@glue
def record_inputs(
    team: tuple,
    sizes: Sizes,
    tape: np.ndarray,
    layer: int,
    slot: int,
    x: np.ndarray,
    before: np.ndarray,
) -> None:
    """Write what a layer's weights multiply in one step."""
    ring = layer_tape(sizes, tape, layer)
    copy_together(team, x, ring.inputs.shape[1], row(ring.inputs, slot))
    copy_together(team, before, sizes.hidden_size, row(ring.states, slot))


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
                fill_together(work.team, row(work.deltas, r), 0.0)
    for depth in range(sizes.num_layers):
        layer = top - depth
        weights = layer_weights(sizes, parts.parameters, layer)
        gradient = layer_weights(sizes, work.gradient, layer)
        ring = layer_tape(sizes, tape, layer)
        reached = n if depth else m
        sweep_layer(work.team, plugins.cell, sizes, weights.states, work, ring, slot, n, reached)
        of_input = 0 * sizes.hidden_size  # a bare 0 is a type of its own and compiles twice
        of_state = (sizes.gates - sizes.state_gates) * sizes.hidden_size
        weight_gradient(work.team, ring.inputs, work.deltas, of_input, reach, gradient.inputs)
        weight_gradient(work.team, ring.states, work.deltas, of_state, reach, gradient.states)
        if layer > 0:
            errors_of_layer_below(work.team, sizes, weights.inputs, work, reach)


@glue_by_type
def weight_gradient(
    team: tuple, inputs: np.ndarray, deltas: np.ndarray, first: int, n: int, gradient: np.ndarray
) -> None:
    """Write the gradient of a weight matrix; its last row is the bias, whose input is always 1.

    Parameters
    ----------
    team
        Who does it.
    inputs, deltas, first, n
        As in `sum_of_outer_products`.
    gradient
        Shape (rows + 1, columns); written.
    """


@weight_gradient.register(object)
def _(team, inputs, deltas, first, n, gradient):
    last = gradient.shape[0] - 1
    sum_of_outer_products(team, inputs, deltas, first, n, rows(gradient, last))
    sum_of_rows(deltas, first, n, row(gradient, last))


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


@glue_by_type
def sweep_layer(
    team: tuple,
    cell: tuple,
    sizes: Sizes,
    weights: np.ndarray,
    work: Workspace,
    ring: Tape,
    slot: int,
    n: int,
    n_errors: int,
) -> None:
    """Go back through one layer's window, and write its deltas.

    Parameters
    ----------
    team, cell, sizes
        Who does it; the cell and the sizes of the model.
    weights
        The recurrent matrix, (H + 1, state_gates * H).
    work
        The workspace: errors are read, deltas and ``d_state`` written.
    ring
        The layer's tape.
    slot, n
        As in `backpropagate_window`.
    n_errors
        Only the newest so many steps have errors.
    """


@sweep_layer.register(object)
def _(team, cell, sizes, weights, work, ring, slot, n, n_errors):
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
            add_transposed_product(team, weights, reached_by_state, H, back, d_state)


@glue_by_type
def errors_of_layer_below(
    team: tuple, sizes: Sizes, weights: np.ndarray, work: Workspace, n: int
) -> None:
    """Turn a layer's deltas in the first `n` rows into the errors of the layer below.

    `weights` is the layer's matrix for its inputs, (H + 1, input_gates * H).
    """


@errors_of_layer_below.register(object)
def _(team, sizes, weights, work, n):
    columns = sizes.input_gates * sizes.hidden_size
    for r in range(n):
        error = row(work.errors, r)
        fill(error, 0.0)
        reached_by_input = vector(row(work.deltas, r), 0, columns)
        add_transposed_product(team, weights, reached_by_input, sizes.hidden_size, r, error)
