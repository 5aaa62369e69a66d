"""One step of the whole network: every layer's products and cell, from the carried state."""

from __future__ import annotations

import numpy as np

from streamrnn._dispatch import glue, glue_by_type
from streamrnn.cells.protocol import forward
from streamrnn.layout import LayerWeights, Sizes, layer_inputs, layer_weights
from streamrnn.linalg import add_product
from streamrnn.views import matrix, row, vector


@glue_by_type
def layer_step(
    team: tuple,
    cell: tuple,
    sizes: Sizes,
    weights: LayerWeights,
    n: int,
    x: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
    factors: np.ndarray,
    pre: np.ndarray,
) -> None:
    """Take one layer one step on.

    Parameters
    ----------
    team, cell, sizes
        Who does it; the cell and the sizes of the model.
    weights
        The layer's matrices.
    n
        Number of inputs; `x` is (>= n,).
    x, before
        Inputs and state before the step, (n_states * H,); read only.
    after, factors
        State after the step and local Jacobian factors, (n_factors * H,); written.
    pre
        Scratch for the pre-activations, (gates * H,).
    """


@layer_step.register(object)
def _(team, cell, sizes, weights, n, x, before, after, factors, pre):
    H = sizes.hidden_size
    reached_by_state = vector(pre, (sizes.gates - sizes.state_gates) * H, sizes.state_gates * H)
    for j in range(sizes.input_gates * H):
        pre[j] = weights.inputs[n, j]
    for j in range(sizes.input_gates * H, pre.size):
        pre[j] = 0
    for j in range(reached_by_state.size):
        reached_by_state[j] += weights.states[H, j]
    reached_by_input = vector(pre, 0, sizes.input_gates * H)
    add_product(team, weights.inputs, x, n, reached_by_input)
    add_product(team, weights.states, before, H, reached_by_state)
    forward(
        cell,
        matrix(pre, 0, sizes.gates, H),
        matrix(before, 0, sizes.n_states, H),
        matrix(after, 0, sizes.n_states, H),
        matrix(factors, 0, sizes.n_factors, H),
    )


@glue
def step(
    team: tuple,
    cell: tuple,
    sizes: Sizes,
    parameters: np.ndarray,
    x: np.ndarray,
    state: np.ndarray,
    after: np.ndarray,
    factors: np.ndarray,
    pre: np.ndarray,
) -> None:
    """Take all layers one step on; commit nothing.

    Parameters
    ----------
    team, cell, sizes
        Who does it; the cell and the sizes of the model.
    parameters
        All parameters, (n_parameters,); read only.
    x
        Scaled inputs and lags, (n_inputs + n_lags,); read only.
    state
        Carried state, (num_layers, n_states * H); read only.
    after, factors
        State after the step, as `state`, and factors, (num_layers, n_factors * H); written.
    pre
        Scratch, (gates * H,).
    """
    for layer in range(sizes.num_layers):
        weights = layer_weights(sizes, parameters, layer)
        n = layer_inputs(sizes, layer)
        below = x if layer == 0 else row(after, layer - 1)
        before, now, local = row(state, layer), row(after, layer), row(factors, layer)
        layer_step(team, cell, sizes, weights, n, below, before, now, local, pre)
