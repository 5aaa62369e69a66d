"""The compiled entry point of shared weights: one model learns from many streams at once.

Each stream has its own state, window and moments; the weights and the optimizer are common. A round
takes one sample of each stream: all are predicted with the same weights, and one update follows, by
the mean of their gradients. Gradients are summed in chunks of a fixed length, and the chunks in
their order, so the sum does not depend on how many threads worked on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.actions import add_together, fill_together
from streamrnn.backends.cpu import (
    ADDRESS,
    ADDRESS_SIZE,
    DOUBLE,
    INTEGER,
    SETTINGS,
    SIZES,
    Address,
    compiled,
    n_numbers,
    plugins_from,
)
from streamrnn.layout import (
    Sizes,
    arena_parts,
    common_size,
    n_parameters,
    n_summed,
    own_size,
    with_parameters,
)
from streamrnn.learner import LABEL, LEARN, Plugins, has_gradient, predict, take
from streamrnn.linalg import Alone, copy, sum_of_squares
from streamrnn.statistics import COUNTERS, SKIPPED, statistics_parts, statistics_size
from streamrnn.updates import GREATEST_NORM, Settings, apply_gradient
from streamrnn.views import matrix_at, record, row, vector
from streamrnn.workspace import Workspace, workspace_parts, workspace_size

#: Streams whose gradients are summed one after the other.
CHUNK = 16


class SharedCall(NamedTuple):
    """What the entry point is told, in this order; the fields of `Sizes` follow."""

    settings: int = 0  # address: as in `Call`
    models: int = 0  # address: the fields of `Address` for each stream; rates are not read
    n_models: int = 0  # streams that predict and learn, each from one row
    workspace: int = 0  # address: scratch, in the models' precision
    inputs: int = 0  # address: raw inputs, (n_models, n_inputs) float64
    targets: int = 0  # address: (n_models, n_targets + 1) float64
    out: int = 0  # address: predictions, (n_models, n_columns) float64; written
    n_columns: int = 0
    task: int = LEARN
    age: int = 0  # as in `Call`
    sums: int = 0  # address: sum of the gradients of each chunk, (chunks, n_summed); written
    counts: int = 0  # address: how many gradients each sum has, (chunks,) int64; written
    updating: int = 0  # whether to move the weights by the sums, in place of all else
    n_sums: int = 0  # chunks to move the weights by
    counters: int = 0  # address: of what all streams have in common, float64
    rate: int = 0  # address: learning rate of the update, float64


_CALL = SharedCall()
_CALL_SIZE = len(_CALL)

#: Numbers that all streams have in common beside the weights.
N_COUNTERS = len(COUNTERS)


@glue
def _add_gradient(work, total, counters):
    """Add one stream's gradient to a chunk's; leave out one that is not finite, and count that.

    The figures of the streams' windows are added up behind it.
    """
    gradient, window = work.gradient, work.window
    if not math.sqrt(sum_of_squares(work.team, gradient)) <= GREATEST_NORM:
        counters[SKIPPED] += 1
        return 0
    add_together(work.team, 1.0, gradient, vector(total, 0, gradient.size))
    for i in range(window.size):
        total[gradient.size + i] += window[i]
    return 1


@glue
def gather(
    plugins: Plugins,
    sizes: Sizes,
    settings: Settings,
    call: Any,
    at: Address,
    common: np.ndarray,
    parameters: np.ndarray,
    work: Workspace,
    r: int,
    total: np.ndarray,
) -> int:
    """Let one stream predict and advance; add its gradient to `total`; return 1 if it had one.

    Parameters
    ----------
    plugins, sizes, settings
        Of the model.
    call
        Where inputs, targets and predictions are, and the task.
    at
        Where the stream is.
    common, parameters
        The common half of the arena, and the parameters, which may lie nearer.
    work
        The workspace.
    r
        The stream's row.
    total
        The sum of a chunk's gradients, (n_summed,); written.
    """
    own = row(matrix_at(at.own, 1, own_size(sizes), total.dtype.type(0)), 0)
    parts = with_parameters(arena_parts(sizes, common, own), parameters)
    kept = row(matrix_at(at.statistics, 1, statistics_size(sizes), DOUBLE), 0)
    statistics = statistics_parts(sizes, kept)
    values = row(matrix_at(call.inputs, r + 1, sizes.n_inputs, DOUBLE), r)
    target = row(matrix_at(call.targets, r + 1, sizes.n_targets + 1, DOUBLE), r)
    out = row(matrix_at(call.out, r + 1, call.n_columns, DOUBLE), r)
    counters, task, age = statistics.counters, call.task, call.age
    if task != LABEL:
        predict(plugins, sizes, settings, parts, statistics, work, values, out)
    slot = take(plugins, sizes, settings, parts, statistics, work, values, target, task, age)
    if slot >= 0 and has_gradient(plugins, sizes, parts, counters, work, task, age, slot):
        return _add_gradient(work, total, counters)
    return 0


@glue
def _mean_of_sums(sums, counts):
    """Turn the first sum into the mean over all streams; return how many there were."""
    mean, n = row(sums, 0), counts[0]
    for c in range(1, sums.shape[0]):
        chunk = row(sums, c)
        n += counts[c]
        for i in range(mean.size):
            mean[i] += chunk[i]
    if n > 0:
        share = mean.dtype.type(1.0 / n)
        for i in range(mean.size):
            mean[i] *= share
    return n


def _run(digest: str, patterns: Plugins, real: Any) -> Callable[..., None]:
    """Make the entry point for plug-ins of these types; their numbers travel in `settings`."""
    n_settings = n_numbers(patterns)

    def run(words):
        digest  # noqa: B018  (a name in the closure is part of Numba's cache key)
        call = record(_CALL, words, 0)
        sizes = record(SIZES, words, _CALL_SIZE)
        numbers = row(matrix_at(call.settings, 1, n_settings, DOUBLE), 0)
        settings = record(SETTINGS, numbers, 0)
        plugins = plugins_from(patterns, numbers)
        n_chunks = call.n_sums if call.updating else (call.n_models + CHUNK - 1) // CHUNK
        sums = matrix_at(call.sums, n_chunks, n_summed(sizes), real)
        counts = row(matrix_at(call.counts, 1, n_chunks, INTEGER), 0)
        models = matrix_at(call.models, call.n_models, ADDRESS_SIZE, INTEGER)
        work = workspace_parts(
            sizes, row(matrix_at(call.workspace, 1, workspace_size(sizes), real), 0), Alone()
        )
        first = record(ADDRESS, row(models, 0), 0)
        common = row(matrix_at(first.common, 1, common_size(sizes), real), 0)
        if call.updating:
            own = row(matrix_at(first.own, 1, own_size(sizes), real), 0)
            parts = arena_parts(sizes, common, own)
            counters = row(matrix_at(call.counters, 1, N_COUNTERS, DOUBLE), 0)
            if _mean_of_sums(sums, counts) > 0:
                rate = matrix_at(call.rate, 1, 1, DOUBLE)[0, 0]
                mean = row(sums, 0)
                copy(mean, work.gradient.size, work.gradient)
                window = vector(mean, work.gradient.size, work.window.size)
                copy(window, window.size, work.window)
                apply_gradient(plugins, sizes, settings, rate, counters, parts, work)
            return
        parameters = vector(common, 0, n_parameters(sizes))
        for c in range(n_chunks):
            total = row(sums, c)
            fill_together(work.team, total, 0.0)
            counts[c] = 0
            last = (c + 1) * CHUNK
            for m in range(c * CHUNK, last if last < call.n_models else call.n_models):
                at = record(ADDRESS, row(models, m), 0)
                counts[c] += gather(
                    plugins, sizes, settings, call, at, common, parameters, work, m, total
                )

    return run


@cache
def run_for(types: tuple[type, ...], dtype: str) -> Callable[..., Any]:
    """Return the entry point for plug-ins of these types, in the order of `Plugins`, and a dtype.

    Its argument is a `SharedCall` as `cpu.words` lines it up.
    """
    return compiled(_run, types, dtype)
