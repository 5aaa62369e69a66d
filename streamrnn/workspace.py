"""The workspace: scratch of whoever runs a model, which outlives no call."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.layout import Sizes, aligned, n_parameters, n_summed, row_width
from streamrnn.views import matrix, vector


class Workspace(NamedTuple):
    """The parts of the workspace; `gradient` may be looked at, the rest outlives no call."""

    gradient: np.ndarray  # (n_parameters,)
    window: np.ndarray  # (2,): loss and error of the window, where the optimizer asks for them
    x: np.ndarray  # (n_inputs + n_lags + n_recent,): scaled inputs, lags, the head's
    pre: np.ndarray  # (gates * H,): pre-activations
    after: np.ndarray  # (num_layers, n_states * H): state after the step
    factors: np.ndarray  # (num_layers, n_factors * H)
    z: np.ndarray  # (n_outputs,): what the head gives
    d_z: np.ndarray  # (n_outputs,)
    d_state: np.ndarray  # (n_states * H,)
    deltas: np.ndarray  # (K, gates * H): one layer's dL/d(pre-activations)
    errors: np.ndarray  # (K, H): what reaches a layer's hidden states from above
    scratch: np.ndarray  # (n_scratch,): the gradient algorithm's
    team: Any  # who works on it: `Alone`, or a `Team`


@glue
def _workspace_sizes(sizes):
    H, K, L = sizes.hidden_size, sizes.truncation, sizes.num_layers
    return (
        aligned(row_width(sizes, 0)),
        aligned(sizes.gates * H),
        aligned(L * sizes.n_states * H),
        aligned(L * sizes.n_factors * H),
        aligned(sizes.n_outputs),
        aligned(sizes.n_outputs),
        aligned(sizes.n_states * H),
        aligned(K * sizes.gates * H),
        aligned(K * H),
    )


@glue
def large_size(sizes: Sizes) -> int:
    """Return the length of what a workspace has of the gradient and of the algorithm's scratch."""
    return n_summed(sizes) + aligned(sizes.n_scratch)


@glue
def small_size(sizes: Sizes) -> int:
    """Return the length of all else in a workspace, which is used most."""
    total = 0
    for size in _workspace_sizes(sizes):
        total += size
    return total


@glue
def workspace_size(sizes: Sizes) -> int:
    """Return the length of the workspace."""
    return large_size(sizes) + small_size(sizes)


@glue
def workspace_parts(sizes: Sizes, workspace: np.ndarray, team: Any) -> Workspace:
    """View the parts of a workspace; `team` works on it."""
    large = large_size(sizes)
    return workspace_of(
        sizes, vector(workspace, 0, large), vector(workspace, large, small_size(sizes)), team
    )


@glue
def workspace_of(sizes: Sizes, large: np.ndarray, small: np.ndarray, team: Any) -> Workspace:
    """View the parts of a workspace whose two halves lie apart."""
    H, K, L, P = sizes.hidden_size, sizes.truncation, sizes.num_layers, n_parameters(sizes)
    x, pre, after, factors, z, d_z, d_state, deltas, _ = _workspace_sizes(sizes)
    at_after = x + pre
    at_z = at_after + after + factors
    at_deltas = at_z + z + d_z + d_state
    return Workspace(
        vector(large, 0, P),
        vector(large, P, 2),
        vector(small, 0, row_width(sizes, 0)),
        vector(small, x, sizes.gates * H),
        matrix(small, at_after, L, sizes.n_states * H),
        matrix(small, at_after + after, L, sizes.n_factors * H),
        vector(small, at_z, sizes.n_outputs),
        vector(small, at_z + z, sizes.n_outputs),
        vector(small, at_z + z + d_z, sizes.n_states * H),
        matrix(small, at_deltas, K, sizes.gates * H),
        matrix(small, at_deltas + deltas, K, H),
        vector(large, n_summed(sizes), sizes.n_scratch),
        team,
    )
