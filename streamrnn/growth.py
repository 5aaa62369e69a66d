"""Carry a model's numbers over into a larger layout, when inputs or outputs are added."""

from __future__ import annotations

import math

import numpy as np

from streamrnn.columns import ages_of_columns, places_of_columns, places_of_inputs
from streamrnn.heads.protocol import Shape
from streamrnn.layout import (
    Parts,
    Sizes,
    head_weights,
    initial_parameters,
    layer_weights,
    norms,
    notes,
    row_width,
)
from streamrnn.learner import Plugins
from streamrnn.statistics import statistics_parts


def shape_of_head(sizes: Sizes) -> Shape:
    """Return what a head's parameters and memory depend on."""
    return Shape(sizes.hidden_size, row_width(sizes, 0), sizes.n_outputs, ages_of_columns(sizes))


def carry_common(plugins: Plugins, old: Sizes, source: Parts, new: Sizes, target: Parts) -> None:
    """Copy what streams have in common to its place in `target`; the rest stays."""
    _carry_parameters(plugins, old, source.parameters, new, target.parameters)
    kept = [*source.slots, *initial_parameters(old, source)]
    for before, after in zip(kept, [*target.slots, *initial_parameters(new, target)], strict=True):
        _carry_parameters(plugins, old, before, new, after)
    notes(new, target)[:] = notes(old, source)
    norms(new, target)[:] = norms(old, source)
    plugins.head.carry_memory(
        shape_of_head(old),
        source.head_memory,
        shape_of_head(new),
        target.head_memory,
        places_of_columns(old, new),
    )


def carry_own(plugins: Plugins, old: Sizes, source: Parts, new: Sizes, target: Parts) -> None:
    """Copy what is a stream's own to its place in `target`; the rest stays."""
    target.state[:] = source.state
    target.targets[:, : old.n_targets] = source.targets[:, :-1]
    target.targets[:, old.n_targets : -1] = math.nan  # not known
    target.targets[:, -1] = source.targets[:, -1]
    plugins.algorithm.carry_memory(old, source.memory, new, target.memory)


def carry_statistics(
    old: Sizes, old_statistics: np.ndarray, new: Sizes, new_statistics: np.ndarray
) -> None:
    """Copy counters and moments."""
    source = statistics_parts(old, old_statistics)
    target = statistics_parts(new, new_statistics)
    target.counters[:] = source.counters
    target.inputs[:, : old.n_inputs] = source.inputs
    target.targets[:, : old.n_targets] = source.targets
    if old.is_change:
        n = old.n_targets
        for before, after in zip(source.change, target.change, strict=True):
            after[..., :n] = before
        target.change.bases[:, n:] = math.nan  # not known


def _carry_parameters(
    plugins: Plugins, old: Sizes, source: np.ndarray, new: Sizes, target: np.ndarray
) -> None:
    for layer in range(old.num_layers):
        before, after = layer_weights(old, source, layer), layer_weights(new, target, layer)
        after.states[:] = before.states
        places = places_of_inputs(old, new) if layer == 0 else slice(old.hidden_size)
        after.inputs[places] = before.inputs[:-1]
        after.inputs[-1] = before.inputs[-1]
    _carry_head(plugins, old, head_weights(old, source), new, head_weights(new, target))


def _carry_head(
    plugins: Plugins, old: Sizes, source: np.ndarray, new: Sizes, target: np.ndarray
) -> None:
    head, H = plugins.head, old.hidden_size
    before = head.blocks(H, row_width(old, 0), old.n_outputs)
    wider = head.blocks(H, row_width(old, 0) + 1, old.n_outputs)
    after = head.blocks(H, row_width(new, 0), new.n_outputs)
    for name, (start, shape) in before.items():
        new_start, new_shape = after[name]
        block = target[new_start : new_start + math.prod(new_shape)].reshape(new_shape)
        places = [
            places_of_columns(old, new) if was != one_more else np.arange(was)
            for was, one_more in zip(shape, wider[name][1], strict=True)
        ]
        block[np.ix_(*places)] = source[start : start + math.prod(shape)].reshape(shape)
