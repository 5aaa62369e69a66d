"""The kernels: one learner a thread block, or one wide learner over the whole device.

Main, thread 0, runs what `backends.cpu` runs; lanes do what it hands out. See `streamrnn.lanes`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda, types

from streamrnn._dispatch import by_type, device_entry, glue, glue_by_type, kernel, source_digest
from streamrnn.actions import copy_together
from streamrnn.backends.cpu import (
    ADDRESS,
    ADDRESS_SIZE,
    DOUBLE,
    INTEGER,
    SETTINGS,
    SIZES,
    Call,
    n_numbers,
    play,
    plugins_from,
)
from streamrnn.backends.cuda.placing import Placing, placed_parameters, placed_workspace
from streamrnn.lanes import forms  # noqa: F401  (registers what lanes do)
from streamrnn.lanes.team import KIND, PHASES, ROOM, STOP, Lanes, do_phases, lanes_at, perform
from streamrnn.layout import (
    Sizes,
    arena_parts,
    common_size,
    n_parameters,
    own_size,
    with_parameters,
)
from streamrnn.learner import OBSERVE, PREDICT, Plugins
from streamrnn.views import address_of, matrix_at, record, row

_CALL, _PLACING = Call(), Placing()
_CALL_SIZE, _N_SIZES = len(_CALL), len(SIZES)
_N_PLACING = len(_PLACING)
_N_WORDS = _CALL_SIZE + _N_SIZES + _N_PLACING

#: Of a thread, so that several blocks share a multiprocessor: main waits for memory most of the
#: time, and has far more numbers at hand than lanes, whose loops need few.
_MOST_REGISTERS = 96


class Block(NamedTuple):
    """The threads of a block meet."""


class Grid(NamedTuple):
    """All threads of the device meet: the launch is a cooperative one."""


@by_type
def _barrier(how: tuple) -> None:
    """Wait until all who may meet have come."""


@_barrier.register(Block)
def _(how):
    cuda.syncthreads()


@_barrier.register(Grid)
def _(how):
    cuda.cg.this_grid().sync()


@kernel
def _phases(how, n):
    _barrier(how)  # from here on lanes know the job
    for _ in range(n):
        _barrier(how)


@do_phases.register(Block)
def _(how, team, n):
    _phases(how, n)


@do_phases.register(Grid)
def _(how, team, n):
    _phases(how, n)


@kernel
def _attend(team, lane):
    """Do what is handed out until main says that all is done."""
    while True:
        _barrier(team.how)
        if team.words[0, KIND] == STOP:
            return
        for phase in range(team.words[0, PHASES]):
            perform(team, phase, lane)
            _barrier(team.how)


@glue
def _dismiss(team):
    team.words[0, KIND] = STOP
    _barrier(team.how)


@glue_by_type
def lead(
    task: tuple,
    team: Lanes,
    patterns: Plugins,
    n_settings: int,
    words: np.ndarray,
    shared: int,
    first: int,
    step: int,
) -> None:
    """Do what main has to do in one block.

    Parameters
    ----------
    task
        What that is; its type chooses the implementation.
    team
        The lanes of the block.
    patterns, n_settings
        The plug-ins' types, and how many settings and numbers they have.
    words
        What the kernel is told.
    shared
        Address of the block's shared memory.
    first, step
        Which things are this block's: `first`, and every `step`-th from there.
    """


class Learn(NamedTuple):
    """Models learn, each by itself; the kernel is told a `Call`."""


@lead.register(Learn)
def _(task, team, patterns, n_settings, words, shared, first, step):
    call = record(_CALL, words, 0)
    sizes = record(SIZES, words, _CALL_SIZE)
    placing = record(_PLACING, words, _CALL_SIZE + _N_SIZES)
    numbers = row(matrix_at(call.settings, 1, n_settings, DOUBLE), 0)
    settings = record(SETTINGS, numbers, 0)
    plugins = plugins_from(patterns, numbers)
    scratch = call.workspace + first * placing.workspace_bytes
    work = placed_workspace(team, placing, sizes, shared, scratch)
    models = matrix_at(call.models, call.n_models, ADDRESS_SIZE, INTEGER)
    bounds = row(matrix_at(call.bounds, 1, call.n_models + 1, INTEGER), 0)
    for m in range(first, call.n_models, step):
        at = record(ADDRESS, row(models, m), 0)
        common = row(matrix_at(at.common, 1, common_size(sizes), team.real), 0)
        own = row(matrix_at(at.own, 1, own_size(sizes), team.real), 0)
        far = arena_parts(sizes, common, own)
        near = placed_parameters(team, placing, shared, far.parameters)
        parts = with_parameters(far, row(matrix_at(near, 1, n_parameters(sizes), team.real), 0))
        play(plugins, sizes, settings, call, at, parts, work, bounds[m], bounds[m + 1])
        if placing.at_parameters >= 0 and call.task != PREDICT and call.task != OBSERVE:
            copy_together(team, parts.parameters, n_parameters(sizes), far.parameters)


_LEARN = Learn()


def _block_kernel(
    digest: str, patterns: Plugins, real: Any, task: Any, n_call: int
) -> Callable[[int], None]:
    """Make a kernel whose blocks work each by itself, for plug-ins of these types."""
    n_settings, at_placing = n_numbers(patterns), n_call + _N_SIZES
    pattern = Lanes(Block(), 0, 0, 0, 0, patterns.cell, patterns.optimizer, real)

    def run_blocks(address):
        digest  # noqa: B018  (a name in the closure is part of Numba's cache key)
        words = row(matrix_at(address, 1, at_placing + _N_PLACING, INTEGER), 0)
        placing = record(_PLACING, words, at_placing)
        shared = address_of(cuda.shared.array(0, types.int64))
        place = cuda.threadIdx.x
        if place == 0:
            matrix_at(shared, 1, ROOM + 1, INTEGER)[0, ROOM] = placing.room
        cuda.syncthreads()
        team = lanes_at(pattern, shared, placing.n_lanes)
        if place >= placing.before:
            _attend(team, np.int64(np.uint32(place - placing.before)))
        elif place == 0:
            first, step = cuda.blockIdx.x, cuda.gridDim.x
            lead(task, team, patterns, n_settings, words, shared, first, step)
            _dismiss(team)

    return run_blocks


def _grid_kernel(digest: str, patterns: Plugins, real: Any) -> Callable[[int], None]:
    """Make the kernel of one learner at a time, by all threads of the device."""
    n_settings = n_numbers(patterns)
    pattern = Lanes(Grid(), 0, 0, 0, 0, patterns.cell, patterns.optimizer, real)

    def learn_wide(address):
        digest  # noqa: B018  (a name in the closure is part of Numba's cache key)
        words = row(matrix_at(address, 1, _N_WORDS, INTEGER), 0)
        placing = record(_PLACING, words, _CALL_SIZE + _N_SIZES)
        meeting = record(_CALL, words, 0).team
        place = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
        if place == 0:
            matrix_at(meeting, 1, ROOM + 1, INTEGER)[0, ROOM] = placing.room
        cuda.cg.this_grid().sync()
        team = lanes_at(pattern, meeting, placing.n_lanes)
        if place >= placing.before:
            _attend(team, np.int64(np.uint32(place - placing.before)))
        elif place == 0:
            lead(_LEARN, team, patterns, n_settings, words, 0, 0, 1)
            _dismiss(team)

    return learn_wide


def words_for(call: tuple[int, ...], sizes: Sizes, placing: Placing) -> np.ndarray:
    """Line up what a kernel is told; all addresses are the device's."""
    return np.array([*call, *sizes, *placing], np.int64)


def compiled(make: Callable[..., Any], types: tuple[type, ...], dtype: str, *closure: Any) -> Any:
    """Let ``make(digest, patterns, real, *closure)`` be compiled for the device."""
    patterns = Plugins(*(plugin() for plugin in types))
    digest = f"{source_digest(types)} {dtype} {make.__module__}"
    real = np.dtype(dtype).type(0)
    return device_entry(make, digest, patterns, real, *closure, most_registers=_MOST_REGISTERS)


@cache
def kernel_for(types: tuple[type, ...], dtype: str, is_wide: bool = False) -> Any:
    """Return the kernel for plug-ins of these types, in the order of `Plugins`, and a dtype.

    Its argument is the device's address of what `words_for` returns. That of wide models is for a
    cooperative launch: a grid that the device holds as a whole, and ``Call.team`` is the address of
    the memory in which lanes meet, `bytes_shared` of it.
    """
    if is_wide:
        return compiled(_grid_kernel, types, dtype)
    return kernel_of(_LEARN, _CALL, types, dtype)


def kernel_of(task: tuple, call: tuple, types: tuple[type, ...], dtype: str) -> Any:
    """Return the kernel whose blocks do a task, as `lead` does it; it is told such a `call`."""
    return compiled(_block_kernel, types, dtype, task, len(call))
