"""Where everything lies: the sizes of a model and the parts of its flat arrays.

All numbers of one model are in three flat arrays. The *arena* (in the model's precision) and the
*statistics* (float64: counters and running moments must not round) are the model; saving, copying
and comparing models is doing so with these two. The *workspace* is scratch, and no part of it.

The arena has two halves: what is *common* to all streams that one model learns from, and what is a
stream's *own*. A model of one stream has them one behind the other.

The functions here run in plain Python and inside compiled code alike. Blocks start on cache-line
boundaries. What lies in the statistics is told in `streamrnn.statistics`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue, view
from streamrnn.views import ALIGNMENT, matrix, vector


class Sizes(NamedTuple):
    """The integers that determine the layout; see `cells.protocol` for a cell's share of them."""

    n_inputs: int = 0  # features
    n_lags: int = 0  # inputs of the network behind them: the last target that is known
    lags_as: int = 0  # how they tell it, see `lags`
    n_outputs: int = 0  # numbers the head gives
    n_targets: int = 1  # numbers in a target
    hidden_size: int = 0  # units of a layer
    num_layers: int = 1
    truncation: int = 1  # K, steps in the ring
    update_every: int = 1  # k1, samples between updates
    loss_window: int = 1  # m, newest losses in an update
    n_states: int = 1
    gates: int = 1
    input_gates: int = 1
    state_gates: int = 1
    n_factors: int = 1
    n_head: int = 0  # parameters of the head
    n_head_memory: int = 0  # numbers a head keeps besides its parameters
    n_slots: int = 0  # numbers the optimizer keeps for each parameter
    n_memory: int = 0  # numbers the gradient algorithm keeps
    n_scratch: int = 0  # numbers the gradient algorithm needs while it works
    recent_targets: int = 0  # last targets that the head reads
    recent_inputs: int = 0  # 1: the head reads the features of the step before, too
    n_recent: int = 0  # inputs of the head alone: these, and levels
    is_change: int = 0  # 1: what is predicted is the change from the last target
    is_series: int = 0  # 1: the targets are the coming values of one series
    n_notes: int = 0  # numbers the optimizer keeps besides
    n_initial: int = 0  # 1 where the parameters are kept as they were at first
    n_norms: int = 0  # 1 where the usual norm of the gradient is kept


@glue
def aligned(size: int) -> int:
    """Round a length up to where the next part may start."""
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


# --- parameters: for each layer W_x with b_x as last row, W_h with b_h as last row; then the head


class LayerWeights(NamedTuple):
    """The two weight matrices of a layer, or their gradients."""

    inputs: np.ndarray  # (inputs + 1, input_gates * H): the last row is the bias
    states: np.ndarray  # (H + 1, state_gates * H): the last row is the bias


@glue
def layer_inputs(sizes: Sizes, layer: int) -> int:
    """Return the number of inputs of a layer; those of the first are features, then lags."""
    return sizes.n_inputs + sizes.n_lags if layer == 0 else sizes.hidden_size


@glue
def row_width(sizes: Sizes, layer: int) -> int:
    """Return the numbers kept of a layer's inputs; of the first, what the head alone reads, too."""
    return layer_inputs(sizes, layer) + (sizes.n_recent if layer == 0 else 0)


@glue
def _layer_size(sizes, layer):
    H = sizes.hidden_size
    inputs = aligned((layer_inputs(sizes, layer) + 1) * sizes.input_gates * H)
    return inputs + aligned((H + 1) * sizes.state_gates * H)


@glue
def _layer_offset(sizes, layer):
    # All layers but the first are of one size.
    return 0 if layer == 0 else _layer_size(sizes, 0) + (layer - 1) * _layer_size(sizes, 1)


@glue
def layer_weights(sizes: Sizes, parameters: np.ndarray, layer: int) -> LayerWeights:
    """View one layer's part of the parameters or of the gradient."""
    H = sizes.hidden_size
    start = _layer_offset(sizes, layer)
    rows, columns = layer_inputs(sizes, layer) + 1, sizes.input_gates * H
    inputs = matrix(parameters, start, rows, columns)
    states = matrix(parameters, start + aligned(rows * columns), H + 1, sizes.state_gates * H)
    return LayerWeights(inputs, states)


@view
def head_weights(sizes: Sizes, parameters: np.ndarray) -> np.ndarray:
    """View the head's part of the parameters or of the gradient."""
    return vector(parameters, _layer_offset(sizes, sizes.num_layers), sizes.n_head)


@glue
def n_parameters(sizes: Sizes) -> int:
    """Return the length of the parameter vector, padding included."""
    return _layer_offset(sizes, sizes.num_layers) + aligned(sizes.n_head)


@glue
def n_summed(sizes: Sizes) -> int:
    """Return the length of a gradient and of what streams add up besides, the window's figures."""
    return n_parameters(sizes) + ALIGNMENT


# --- the arena


class Parts(NamedTuple):
    """The parts of the arena."""

    # common
    parameters: np.ndarray  # (n_parameters,)
    slots: np.ndarray  # (n_slots, n_parameters): the optimizer's
    head_memory: np.ndarray  # (n_head_memory,)
    further: np.ndarray  # what only some models keep, see `initial_parameters` and what follows
    # own
    state: np.ndarray  # (num_layers, n_states * H): carried from step to step
    targets: np.ndarray  # (K, n_targets + 1): ring of targets; weights: see `targets`
    memory: np.ndarray  # (n_memory,): the gradient algorithm's ring


@glue
def common_size(sizes: Sizes) -> int:
    """Return the length of the common half of the arena."""
    parameters = (1 + sizes.n_slots + sizes.n_initial) * n_parameters(sizes)
    return parameters + aligned(sizes.n_head_memory) + _further_size(sizes)


@glue
def _further_size(sizes):
    return sizes.n_initial * n_parameters(sizes) + aligned(sizes.n_notes) + aligned(sizes.n_norms)


@glue
def _own_sizes(sizes):
    return (
        aligned(sizes.num_layers * sizes.n_states * sizes.hidden_size),
        aligned(sizes.truncation * (sizes.n_targets + 1)),
        aligned(sizes.n_memory),
    )


@glue
def own_size(sizes: Sizes) -> int:
    """Return the length of the half of the arena that is a stream's own."""
    state, targets, memory = _own_sizes(sizes)
    return state + targets + memory


@glue
def arena_parts(sizes: Sizes, common: np.ndarray, own: np.ndarray) -> Parts:
    """View the parts of an arena's two halves."""
    P = n_parameters(sizes)
    state, targets, _ = _own_sizes(sizes)
    head = P + sizes.n_slots * P
    return Parts(
        vector(common, 0, P),
        matrix(common, P, sizes.n_slots, P),
        vector(common, head, sizes.n_head_memory),
        vector(common, head + aligned(sizes.n_head_memory), _further_size(sizes)),
        matrix(own, 0, sizes.num_layers, sizes.n_states * sizes.hidden_size),
        matrix(own, state, sizes.truncation, sizes.n_targets + 1),
        vector(own, state + targets, sizes.n_memory),
    )


@glue
def with_parameters(parts: Parts, parameters: np.ndarray) -> Parts:
    """Return the parts of an arena whose parameters are worked with elsewhere."""
    return Parts(
        parameters,
        parts.slots,
        parts.head_memory,
        parts.further,
        parts.state,
        parts.targets,
        parts.memory,
    )


@view
def initial_parameters(sizes: Sizes, parts: Parts) -> np.ndarray:
    """View the parameters as they were at first, (n_initial, n_parameters)."""
    return matrix(parts.further, 0, sizes.n_initial, n_parameters(sizes))


# In functions of their own, since a view must be nothing but a view for a device's compiler.
@glue
def _at_notes(sizes):
    return sizes.n_initial * n_parameters(sizes)


@glue
def _at_norms(sizes):
    return _at_notes(sizes) + aligned(sizes.n_notes)


@view
def notes(sizes: Sizes, parts: Parts) -> np.ndarray:
    """View what the optimizer keeps beside its slots, (n_notes,)."""
    return vector(parts.further, _at_notes(sizes), sizes.n_notes)


@view
def norms(sizes: Sizes, parts: Parts) -> np.ndarray:
    """View the usual norm of the gradient, (n_norms,)."""
    return vector(parts.further, _at_norms(sizes), sizes.n_norms)


# --- the tape: what a step leaves behind for the backward sweep, a ring of K rows for each layer


class Tape(NamedTuple):
    """One layer's ring."""

    inputs: np.ndarray  # (K, row_width)
    states: np.ndarray  # (K, H): hidden state before the step
    factors: np.ndarray  # (K, n_factors * H): local Jacobian factors


@glue
def _tape_layer_size(sizes, layer):
    K, H = sizes.truncation, sizes.hidden_size
    inputs = aligned(K * row_width(sizes, layer))
    return inputs + aligned(K * H) + aligned(K * sizes.n_factors * H)


@glue
def _tape_offset(sizes, layer):
    if layer == 0:
        return 0
    return _tape_layer_size(sizes, 0) + (layer - 1) * _tape_layer_size(sizes, 1)


@glue
def tape_size(sizes: Sizes) -> int:
    """Return the length of the tape of all layers and of the ring of features."""
    return _tape_offset(sizes, sizes.num_layers) + aligned(sizes.truncation * sizes.hidden_size)


@glue
def layer_tape(sizes: Sizes, tape: np.ndarray, layer: int) -> Tape:
    """View one layer's ring."""
    K, H, n = sizes.truncation, sizes.hidden_size, row_width(sizes, layer)
    start = _tape_offset(sizes, layer)
    states = start + aligned(K * n)
    factors = states + aligned(K * H)
    return Tape(
        matrix(tape, start, K, n),
        matrix(tape, states, K, H),
        matrix(tape, factors, K, sizes.n_factors * H),
    )


@view
def features(sizes: Sizes, tape: np.ndarray) -> np.ndarray:
    """View the ring of what the head reads: the top layer's hidden states, (K, H)."""
    start = _tape_offset(sizes, sizes.num_layers)
    return matrix(tape, start, sizes.truncation, sizes.hidden_size)
