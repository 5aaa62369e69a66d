"""Weights under PyTorch's names and in PyTorch's layout.

``weight_ih_l0`` (gates * H, inputs), ``weight_hh_l0`` (gates * H, H), ``bias_ih_l0`` and
``bias_hh_l0`` (gates * H,), and so on for each layer, then ``head.weight`` (outputs, H) and
``head.bias`` (outputs,). Gate order: i, f, g, o (LSTM); r, z, n (GRU). Both biases are parameters
of their own, as in PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from streamrnn.layout import Sizes, head_weights, layer_weights, n_parameters
from streamrnn.learner import Plugins


def views(plugins: Plugins, sizes: Sizes, parameters: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Name views into a parameter vector: for each name the blocks that it consists of, in order.

    The blocks of a recurrent weight are one for each gate, each of PyTorch's shape.
    """
    named: dict[str, list[np.ndarray]] = {}
    H = sizes.hidden_size
    shift = sizes.gates - sizes.state_gates
    gates: tuple[tuple[int, int], ...] = plugins.cell.torch_gates
    for layer in range(sizes.num_layers):
        weights = layer_weights(sizes, parameters, layer)
        inputs = [weights.inputs[:, i * H : (i + 1) * H] for i, _ in gates]
        states = [weights.states[:, (s - shift) * H : (s - shift + 1) * H] for _, s in gates]
        named[f"weight_ih_l{layer}"] = [block[:-1].T for block in inputs]
        named[f"weight_hh_l{layer}"] = [block[:-1].T for block in states]
        named[f"bias_ih_l{layer}"] = [block[-1] for block in inputs]
        named[f"bias_hh_l{layer}"] = [block[-1] for block in states]
    head = head_weights(sizes, parameters)
    blocks = plugins.head.blocks(H, sizes.n_inputs, sizes.n_outputs)
    for name, (start, shape) in blocks.items():
        named[f"head.{name}"] = [head[start : start + math.prod(shape)].reshape(shape)]
    return named


def get(plugins: Plugins, sizes: Sizes, parameters: np.ndarray) -> dict[str, np.ndarray]:
    """Copy a parameter vector into arrays of PyTorch's names and shapes."""
    return {
        name: np.concatenate(blocks) for name, blocks in views(plugins, sizes, parameters).items()
    }


def check(plugins: Plugins, sizes: Sizes, weights: Mapping[str, np.ndarray]) -> None:
    """Check that `weights` fit a model of these sizes.

    Raises
    ------
    ValueError
        If a name is missing or unknown, or an array is of another shape or not finite.
    """
    named = views(plugins, sizes, np.empty(n_parameters(sizes)))
    missing = [name for name in named if name not in weights]
    unknown = [name for name in weights if name not in named]
    if missing or unknown:
        raise ValueError(f"the names do not fit this model: missing {missing}, unknown {unknown}")
    for name, blocks in named.items():
        array = np.asarray(weights[name])
        shape = (sum(len(block) for block in blocks), *blocks[0].shape[1:])
        if array.shape != shape:
            raise ValueError(f"weights[{name!r}] is {array.shape}, the model needs {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"weights[{name!r}] has values that are not finite")


def put(
    plugins: Plugins, sizes: Sizes, parameters: np.ndarray, weights: Mapping[str, np.ndarray]
) -> None:
    """Write `weights`, which `check` has passed, into a parameter vector."""
    for name, blocks in views(plugins, sizes, parameters).items():
        array = np.asarray(weights[name])
        start = 0
        for block in blocks:
            block[:] = array[start : start + len(block)]
            start += len(block)
