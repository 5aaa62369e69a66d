"""What a device does in a round of streams that share their weights, kernel by kernel.

A round takes one row of each stream. Blocks gather gradients, each those of a few streams; then the
mean is made, parameter by parameter; then one block moves the weights by it. The next round follows
without the host, since the device itself counts them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.actions import fill_together
from streamrnn.backends.cpu import (
    ADDRESS,
    ADDRESS_SIZE,
    DOUBLE,
    INTEGER,
    SETTINGS,
    SIZES,
    plugins_from,
)
from streamrnn.backends.cpu_shared import N_COUNTERS, gather
from streamrnn.backends.cuda.placing import Placing, placed_parameters, placed_workspace
from streamrnn.lanes.sums import add_spaced
from streamrnn.lanes.team import Lanes
from streamrnn.layout import (
    arena_parts,
    common_size,
    n_parameters,
    n_summed,
    own_size,
)
from streamrnn.learner import LEARN, Plugins
from streamrnn.statistics import UPDATES
from streamrnn.updates import apply_gradient
from streamrnn.views import matrix_at, record, row

#: Streams whose gradients are summed one after the other, at least, and the number of such sums: a
#: block each, and memory for as many gradients. None of it depends on the device, so no bit does.
_LEAST_CHUNK, _MOST_CHUNKS = 4, 2048


class Rounds(NamedTuple):
    """What the kernels are told, in this order; the fields of `Sizes` and `Placing` follow."""

    settings: int = 0  # address: as in `Call`
    common: int = 0  # address: the common half of the arena
    models: int = 0  # address: the fields of `Address` for each stream; rates are not read
    n_models: int = 0
    streams: int = 0  # address: whose each row is, of the models, int64
    bounds: int = 0  # address: round k has the rows bounds[k] to bounds[k + 1], int64
    n_rounds: int = 0
    workspace: int = 0  # address: scratch of each block; that of the first one gets the mean
    inputs: int = 0  # addresses: as in `Call`, the rows of a round one behind the other
    targets: int = 0
    out: int = 0
    n_columns: int = 0
    task: int = LEARN
    age: int = 0
    sums: int = 0  # address: sum of the gradients of each chunk, (chunks, n_summed); written
    counts: int = 0  # address: how many gradients the mean and each sum have, int64; written
    counters: int = 0  # address: of what all streams have in common, float64
    rates: int = 0  # address: learning rates of the coming updates, float64; the last goes on
    n_rates: int = 0
    done: int = 0  # updates that were made before the first of these
    round: int = 0  # rounds that are done; counted by the device


_ROUNDS, _PLACING = Rounds(), Placing()
_ROUND = Rounds._fields.index("round")
_AT_SIZES, _AT_PLACING = len(_ROUNDS), len(_ROUNDS) + len(SIZES)

#: Words that a kernel is told.
N_WORDS = _AT_PLACING + len(_PLACING)


@glue
def chunk_of(n: int) -> int:
    """Return how many of `n` streams are one chunk."""
    fewest = (n + _MOST_CHUNKS - 1) // _MOST_CHUNKS
    return fewest if fewest > _LEAST_CHUNK else _LEAST_CHUNK


@glue
def n_chunks_of(n: int) -> int:
    """Return how many chunks `n` streams make."""
    chunk = chunk_of(n)
    return (n + chunk - 1) // chunk


@glue
def _rows_of_round(told):
    """Return the first row of the round, and the one after its last."""
    bounds = row(matrix_at(told.bounds, 1, told.n_rounds + 1, INTEGER), 0)
    return bounds[told.round], bounds[told.round + 1]


@glue
def gather_chunks(
    team: Lanes,
    patterns: Plugins,
    n_settings: int,
    words: np.ndarray,
    shared: int,
    first: int,
    step: int,
) -> None:
    """Let streams predict and advance, and sum up their gradients: main's part in one block.

    The weights go to shared memory once for all streams of the block.

    Parameters
    ----------
    team
        The lanes of the block.
    patterns, n_settings
        The plug-ins' types, and how many settings and numbers they have.
    words
        What the kernel is told, (N_WORDS,) int64.
    shared
        Address of the block's shared memory.
    first, step
        Which chunks are the block's: `first`, and every `step`-th from there.
    """
    told = record(_ROUNDS, words, 0)
    start, stop = _rows_of_round(told)
    chunk, n_chunks = chunk_of(stop - start), n_chunks_of(stop - start)
    if first < n_chunks:
        sizes = record(SIZES, words, _AT_SIZES)
        placing = record(_PLACING, words, _AT_PLACING)
        numbers = row(matrix_at(told.settings, 1, n_settings, DOUBLE), 0)
        settings, plugins = record(SETTINGS, numbers, 0), plugins_from(patterns, numbers)
        scratch = told.workspace + first * placing.workspace_bytes
        work = placed_workspace(team, placing, sizes, shared, scratch)
        common = row(matrix_at(told.common, 1, common_size(sizes), team.real), 0)
        far = row(matrix_at(told.common, 1, n_parameters(sizes), team.real), 0)
        near = placed_parameters(team, placing, shared, far)
        parameters = row(matrix_at(near, 1, n_parameters(sizes), team.real), 0)
        sums = matrix_at(told.sums, n_chunks, n_summed(sizes), team.real)
        counts = row(matrix_at(told.counts, 1, n_chunks + 1, INTEGER), 0)
        streams = row(matrix_at(told.streams, 1, stop, INTEGER), 0)
        models = matrix_at(told.models, told.n_models, ADDRESS_SIZE, INTEGER)
        for c in range(first, n_chunks, step):
            total, n = row(sums, c), 0
            fill_together(team, total, 0.0)
            begin, end = start + c * chunk, start + (c + 1) * chunk
            for r in range(begin, end if end < stop else stop):
                at = record(ADDRESS, row(models, streams[r]), 0)
                n += gather(plugins, sizes, settings, told, at, common, parameters, work, r, total)
            counts[c + 1] = n


@glue
def add_up(words: np.ndarray, real: Any, first: int, step: int) -> None:
    """Make the mean of all gradients where an update looks for its gradient: one thread's part.

    Chunks are added up in their order.

    Parameters
    ----------
    words
        What the kernel is told, (N_WORDS,) int64.
    real
        Tells the model's precision.
    first, step
        Which parameters are the thread's: `first`, and every `step`-th from there.
    """
    told, sizes = record(_ROUNDS, words, 0), record(SIZES, words, _AT_SIZES)
    start, stop = _rows_of_round(told)
    n_chunks = n_chunks_of(stop - start)
    sums = row(matrix_at(told.sums, 1, n_chunks * n_summed(sizes), real), 0)
    counts = row(matrix_at(told.counts, 1, n_chunks + 1, INTEGER), 0)
    # The gradient is what a workspace begins with, and the figures of the window are behind it.
    mean = row(matrix_at(told.workspace, 1, n_summed(sizes), real), 0)
    n = add_spaced(np.int64(0), counts, 1, n_chunks, 1)
    share = mean.dtype.type(1.0 / n if n > 0 else 0.0)
    for i in range(first, mean.size, step):
        total = add_spaced(mean.dtype.type(0), sums, i, n_chunks, mean.size)
        mean[i] = total * share
        if i == 0:
            counts[0] = n


@glue
def update_together(
    team: Lanes, patterns: Plugins, n_settings: int, words: np.ndarray, shared: int
) -> None:
    """Move the weights by the mean, and count the round: main's part in the only block.

    The arguments are those of `gather_chunks`.
    """
    told = record(_ROUNDS, words, 0)
    if row(matrix_at(told.counts, 1, 1, INTEGER), 0)[0] > 0:
        sizes = record(SIZES, words, _AT_SIZES)
        placing = record(_PLACING, words, _AT_PLACING)
        numbers = row(matrix_at(told.settings, 1, n_settings, DOUBLE), 0)
        settings, plugins = record(SETTINGS, numbers, 0), plugins_from(patterns, numbers)
        work = placed_workspace(team, placing, sizes, shared, told.workspace)
        common = row(matrix_at(told.common, 1, common_size(sizes), team.real), 0)
        # That of any stream: an update looks at no stream's own half.
        at = record(ADDRESS, row(matrix_at(told.models, 1, ADDRESS_SIZE, INTEGER), 0), 0)
        own = row(matrix_at(at.own, 1, own_size(sizes), team.real), 0)
        counters = row(matrix_at(told.counters, 1, N_COUNTERS, DOUBLE), 0)
        rates = row(matrix_at(told.rates, 1, told.n_rates, DOUBLE), 0)
        update = np.intp(counters[UPDATES]) - told.done
        rate = rates[update if update < told.n_rates else told.n_rates - 1]
        parts = arena_parts(sizes, common, own)
        apply_gradient(plugins, sizes, settings, rate, counters, parts, work)
    words[_ROUND] += 1
