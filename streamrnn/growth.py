"""Carry a model's numbers over into a larger layout, when inputs or outputs are added."""

from __future__ import annotations

import math

import numpy as np

from streamrnn.layout import (
    Parts,
    Sizes,
    head_weights,
    initial_parameters,
    layer_inputs,
    layer_weights,
    norms,
    notes,
    places_of_inputs,
)
from streamrnn.learner import Plugins
from streamrnn.statistics import statistics_parts


def carry_common(plugins: Plugins, old: Sizes, source: Parts, new: Sizes, target: Parts) -> None:
    """Copy what streams have in common to its place in `target`; the rest stays."""
    _carry_parameters(plugins, old, source.parameters, new, target.parameters)
    kept = [*source.slots, *initial_parameters(old, source)]
    for before, after in zip(kept, [*target.slots, *initial_parameters(new, target)], strict=True):
        _carry_parameters(plugins, old, before, new, after)
    notes(new, target)[:] = notes(old, source)
    norms(new, target)[:] = norms(old, source)
    plugins.head.carry_memory(
        (old.hidden_size, layer_inputs(old, 0), old.n_outputs),
        source.head_memory,
        (new.hidden_size, layer_inputs(new, 0), new.n_outputs),
        target.head_memory,
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
    before = head.blocks(H, layer_inputs(old, 0), old.n_outputs)
    wider = head.blocks(H, layer_inputs(old, 0) + 1, old.n_outputs)
    after = head.blocks(H, layer_inputs(new, 0), new.n_outputs)
    for name, (start, shape) in before.items():
        new_start, new_shape = after[name]
        block = target[new_start : new_start + math.prod(new_shape)].reshape(new_shape)
        places = [
            _places_on_axis(old, was, new, now, has_inputs=was != one_more)
            for was, one_more, now in zip(shape, wider[name][1], new_shape, strict=True)
        ]
        block[np.ix_(*places)] = source[start : start + math.prod(shape)].reshape(shape)


def _places_on_axis(old: Sizes, was: int, new: Sizes, now: int, has_inputs: bool) -> np.ndarray:
    """Return where the numbers along an axis of a head's block are when it has grown."""
    if not has_inputs:
        return np.arange(was)
    lags = now - new.n_lags
    return np.r_[: was - old.n_lags, lags : lags + old.n_lags]
