"""Weights under PyTorch's names and in PyTorch's layout.

``weight_ih_l0`` (gates * H, inputs), ``weight_hh_l0`` (gates * H, H), ``bias_ih_l0`` and
``bias_hh_l0`` (gates * H,), and so on for each layer, then ``head.weight`` (outputs, H) and
``head.bias`` (outputs,). Gate order: i, f, g, o (LSTM); r, z, n (GRU). Both biases are parameters
of their own, as in PyTorch. The inputs are the features; a model with ``lagged_target`` has the
columns of the last target behind theirs.

Heads that read more than the hidden state have further weights (outputs, columns): ``head.skip``
and ``head.inputs``. A column is, in this order: a feature; part of the last target, if that is an
input; and for ``head.inputs`` a feature of the step before, the level of a target where changes are
predicted, and part of each of the last targets, the newest first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from streamrnn.growth import shape_of_head
from streamrnn.layout import Sizes, head_weights, layer_weights, n_parameters, row_width
from streamrnn.learner import Plugins


def views(
    plugins: Plugins, sizes: Sizes, parameters: np.ndarray, memory: np.ndarray | None = None
) -> dict[str, list[np.ndarray]]:
    """Name views into a parameter vector: for each name the blocks that it consists of, in order.

    The blocks of a recurrent weight are one for each gate, each of PyTorch's shape. With the memory
    of the head what it has learnt other than by gradient is there, too.
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
    shape_of = (H, row_width(sizes, 0), sizes.n_outputs)
    blocks = plugins.head.blocks(*shape_of)
    for name, (start, shape) in blocks.items():
        named[f"head.{name}"] = [head[start : start + math.prod(shape)].reshape(shape)]
    if memory is not None and hasattr(plugins.head, "learnt"):
        learnt = plugins.head.learnt(*shape_of, memory)
        named |= {f"head.{name}": [block] for name, block in learnt.items()}
    return named


def get(
    plugins: Plugins, sizes: Sizes, parameters: np.ndarray, memory: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Copy the parameters, and the weights in a head's memory, as PyTorch names and has them."""
    named = views(plugins, sizes, parameters, memory)
    return {name: np.concatenate(blocks) for name, blocks in named.items()}


def as_arrays(weights: Mapping[str, object], dtype: str) -> dict[str, np.ndarray]:
    """Take over what a user gives as weights.

    Raises
    ------
    ValueError
        If something is no array of numbers, or not finite in the model's precision.
    """
    arrays = {}
    for name, given in weights.items():
        try:
            with np.errstate(over="ignore"):
                array = np.array(given, np.float64).astype(dtype)
        except (TypeError, ValueError):
            raise ValueError(f"weights[{name!r}] is no array of numbers: {given!r}") from None
        if not np.isfinite(array).all():
            raise ValueError(f"weights[{name!r}] has values that are not finite in {dtype}")
        arrays[name] = array
    return arrays


def n_inputs(arrays: Mapping[str, np.ndarray]) -> int:
    """Return for how many inputs weights are made, lags among them; 0 if they do not say.

    `check` refuses those.
    """
    first = arrays.get("weight_ih_l0")
    return first.shape[1] if first is not None and first.ndim == 2 else 0


def check(plugins: Plugins, sizes: Sizes, arrays: Mapping[str, np.ndarray]) -> None:
    """Check that weights fit a model of these sizes.

    Raises
    ------
    ValueError
        If a name is missing or unknown, or an array is of another shape.
    """
    named = views(plugins, sizes, np.empty(n_parameters(sizes)), np.empty(sizes.n_head_memory))
    missing = [name for name in named if name not in arrays]
    unknown = [name for name in arrays if name not in named]
    if missing or unknown:
        raise ValueError(f"the names do not fit this model: missing {missing}, unknown {unknown}")
    for name, blocks in named.items():
        shape = (sum(len(block) for block in blocks), *blocks[0].shape[1:])
        if arrays[name].shape != shape:
            raise ValueError(f"weights[{name!r}] is {arrays[name].shape}, the model needs {shape}")


def put(
    plugins: Plugins,
    sizes: Sizes,
    parameters: np.ndarray,
    memory: np.ndarray,
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Write weights that `check` has passed into a parameter vector and the memory of the head.

    If any are in the memory, what else it holds starts again, such as how certain the head is: that
    was of other weights.
    """
    if hasattr(plugins.head, "learnt"):
        memory[:] = 0
        plugins.head.start_memory(shape_of_head(sizes), memory)
    for name, blocks in views(plugins, sizes, parameters, memory).items():
        start = 0
        for block in blocks:
            block[:] = arrays[name][start : start + len(block)]
            start += len(block)
