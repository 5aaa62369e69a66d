"""What goes on inside a model: how far its gradient reaches, its gates, its weights.

The sweep that is looked at is the one that learning makes, called from plain Python on a copy of
the numbers in float64: nothing of it is compiled, and nothing in the model changes. A recorder in
the place of the cell sees what passes through it.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from streamrnn import weights
from streamrnn.actions import copy_together
from streamrnn.activations import near_ends_of_sigmoid
from streamrnn.cells.protocol import backward, forward
from streamrnn.gradients.protocol import backpropagate
from streamrnn.gradients.sweep import weight_gradient
from streamrnn.layout import Sizes, arena_parts, layer_inputs, layer_tape, layer_weights, row_width
from streamrnn.linalg import add_product, add_transposed_product
from streamrnn.model import Model
from streamrnn.scaling import COUNT, M2
from streamrnn.statistics import FILLED, POSITION, statistics_parts
from streamrnn.workspace import workspace_parts, workspace_size


class _Recorder(NamedTuple):
    """Stands where the cell is, and notes what reaches the hidden state on the way back."""

    cell: Any
    norms: list[float]


@forward.register(_Recorder)
def _(recorder, pre, before, after, factors):
    forward(recorder.cell, pre, before, after, factors)


@backward.register(_Recorder)
def _(recorder, factors, d_state, deltas):
    recorder.norms.append(float(np.linalg.norm(d_state[0])))
    backward(recorder.cell, factors, d_state, deltas)


class _InPython(NamedTuple):
    """Makes products by NumPy, and no weight gradients: nobody looks at them."""


@add_product.register(_InPython)
def _(team, weights, values, n, out):
    out += values[:n] @ weights[:n, : out.size]


@add_transposed_product.register(_InPython)
def _(team, weights, deltas, n, turn, out):
    out[:n] += weights[:n] @ deltas


@weight_gradient.register(_InPython)
def _(team, inputs, deltas, first, n, gradient):
    pass


@copy_together.register(_InPython)
def _(team, source, n, target):
    target[:n] = source[:n]


class _Swept(NamedTuple):
    """What a sweep over the window leaves."""

    norms: list[float]  # of dL/dh, layer by layer from the top, the newest step first
    parameters: np.ndarray
    tape: np.ndarray | None  # None if the gradient algorithm has no such thing


def _sweep(model: Model, slot: int, n: int, weight: float) -> _Swept:
    """Go back from the row `slot` of the rings over `n` steps; only that step has a loss."""
    sizes = model.sizes._replace(loss_window=1, update_every=1)
    common, own = (half.astype(np.float64) for half in model._halves)
    parts = arena_parts(sizes, common, own)
    parts.targets[slot, -1] = weight
    work = workspace_parts(sizes, np.zeros(workspace_size(sizes)), _InPython())
    recorder = _Recorder(model.plugins.cell, [])
    algorithm: Any = model.plugins.algorithm
    with np.errstate(all="ignore"):
        plugins = model.plugins._replace(cell=recorder)
        backpropagate(algorithm, plugins, sizes, parts, work, slot, n)
    tape = None
    if hasattr(algorithm, "tape"):
        tape = algorithm.tape(sizes, parts.memory, work.scratch)
    return _Swept(recorder.norms, parts.parameters, tape)


def _newest_rows(model: Model) -> list[int]:
    """Return the rows of the rings that are filled, the newest step first."""
    position, filled = (int(model.statistics[i]) for i in (POSITION, FILLED))
    return [(position - 1 - back) % model.sizes.truncation for back in range(filled)]


def gradient_profile(model: Model) -> np.ndarray:
    """Return the norms of dL/dh, (num_layers, steps), of the newest step that has a target.

    Raises
    ------
    ValueError
        If the gradient algorithm does not go back through the cell, step by step.
    """
    rows = _newest_rows(model)
    for age, slot in enumerate(rows):
        target = model.parts.targets[slot]
        if target[-1] != 0 and np.isfinite(target[:-1]).any():
            norms = _sweep(model, slot, len(rows) - age, 1.0).norms
            shape = (model.sizes.num_layers, len(rows) - age)
            if len(norms) != math.prod(shape):
                name = type(model.plugins.algorithm).__name__
                raise ValueError(f"the gradient algorithm {name} makes no sweep over the window")
            return np.array(norms).reshape(shape)[::-1].copy()
    return np.zeros((model.sizes.num_layers, 0))


def gate_saturation(model: Model) -> dict[str, float]:
    """Return for each gate the share of its activations in the window that are saturated.

    Raises
    ------
    ValueError
        If the gradient algorithm does not say what the layers saw.
    """
    sizes, rows = model.sizes, _newest_rows(model)
    layers = [np.empty((sizes.gates, 0))]
    if rows:
        swept = _sweep(model, rows[0], len(rows), 0.0)
        if swept.tape is None:
            name = type(model.plugins.algorithm).__name__
            raise ValueError(f"the gradient algorithm {name} keeps no tape of the window")
        for layer in range(sizes.num_layers):
            pre = _pre_activations(sizes, swept.parameters, swept.tape, layer)[rows]
            layers.append(np.moveaxis(pre, 1, 0).reshape(sizes.gates, -1))
    cell: Any = model.plugins.cell
    pre = np.concatenate(layers, axis=1)
    if hasattr(cell, "saturated"):
        saturated = cell.saturated(pre)
    else:
        saturated = {f"gate {i}": near_ends_of_sigmoid(gate) for i, gate in enumerate(pre)}
    return {name: float(one.mean()) if one.size else math.nan for name, one in saturated.items()}


def _pre_activations(
    sizes: Sizes, parameters: np.ndarray, tape: np.ndarray, layer: int
) -> np.ndarray:
    """Return what a layer's gates see in each row of the ring, (K, gates, H)."""
    ring, matrices = layer_tape(sizes, tape, layer), layer_weights(sizes, parameters, layer)
    n, H = layer_inputs(sizes, layer), sizes.hidden_size
    pre = np.zeros((sizes.truncation, sizes.gates * H))
    with np.errstate(all="ignore"):
        of_input = ring.inputs[:, :n] @ matrices.inputs[:n] + matrices.inputs[n]
        of_state = ring.states @ matrices.states[:H] + matrices.states[H]
        pre[:, : sizes.input_gates * H] += of_input
        pre[:, (sizes.gates - sizes.state_gates) * H :] += of_state
    return pre.reshape(sizes.truncation, sizes.gates, H)


def weight_health(model: Model) -> dict[str, dict[str, Any]]:
    """Return what can be said of each block of weights, of a head's covariance, and of scaling.

    Features and targets are told by their places.
    """
    parts, sizes = model.parts, model.sizes
    named = weights.get(model.plugins, sizes, parts.parameters, parts.head_memory)
    health = {name: _of_block(block) for name, block in named.items()}
    head: Any = model.plugins.head
    if hasattr(head, "variances"):
        shape = (sizes.hidden_size, row_width(sizes, 0), sizes.n_outputs)
        with np.errstate(all="ignore"):
            variances = head.variances(*shape, parts.head_memory.astype(np.float64))
        health["head.covariance"] = {
            "shape": (variances.size, variances.size),
            "smallest": float(variances.min()),
            "largest": float(variances.max()),
            "non_finite": float(1.0 - np.isfinite(variances).mean()),
        }
    statistics, settings = statistics_parts(sizes, model.statistics), model.blueprint.settings
    if settings.scale_inputs:
        health["scaling.inputs"] = _of_moments(statistics.inputs)
    if settings.scale_target:
        health["scaling.targets"] = _of_moments(statistics.targets)
    return health


def _of_block(block: np.ndarray) -> dict[str, Any]:
    values = block.astype(np.float64)
    finite = np.where(np.isfinite(values), values, 0.0)
    rows = (values != 0.0).any(axis=tuple(range(1, values.ndim)))
    return {
        "shape": values.shape,
        "norm": float(np.linalg.norm(finite)),
        "largest": float(abs(finite).max(initial=0.0)),
        "non_finite": _share(~np.isfinite(values)),
        "zeros": _share(values == 0.0),
        "dead": _share(~rows),
    }


def _share(flags: np.ndarray) -> float:
    return float(flags.mean()) if flags.size else 0.0


def _of_moments(moments: np.ndarray) -> dict[str, Any]:
    seen = moments[COUNT] > 0.0
    return {
        "shape": (moments.shape[1],),
        "unseen": np.flatnonzero(~seen).tolist(),
        "constant": np.flatnonzero(seen & ~(moments[M2] > 0.0)).tolist(),
    }


def flat_weights(model: Model) -> np.ndarray:
    """Return a copy of all weights, (n,), in the order of `streamrnn.weights`."""
    parts = model.parts
    named = weights.get(model.plugins, model.sizes, parts.parameters, parts.head_memory)
    return np.concatenate([block.ravel() for block in named.values()])
