"""The kernels of shared weights: gather gradients, make their mean, move the weights by it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from streamrnn.backends.cpu import INTEGER
from streamrnn.backends.cuda.kernels import kernel_of, lead
from streamrnn.backends.cuda.rounds import (
    N_WORDS,
    Rounds,
    add_up,
    gather_chunks,
    update_together,
)
from streamrnn.views import matrix_at, row


class Gather(NamedTuple):
    """Blocks gather gradients of a few streams each; the kernel is told `Rounds`."""


class Update(NamedTuple):
    """One block moves the weights."""


@lead.register(Gather)
def _(task, team, patterns, n_settings, words, shared, first, step):
    gather_chunks(team, patterns, n_settings, words, shared, first, step)


@lead.register(Update)
def _(task, team, patterns, n_settings, words, shared, first, step):
    update_together(team, patterns, n_settings, words, shared)


def _mean_kernel(real: Any) -> Callable[[int], None]:
    """Make the kernel each of whose threads has a parameter."""

    def make_mean(address):
        words = row(matrix_at(address, 1, N_WORDS, INTEGER), 0)
        add_up(words, real, cuda.grid(1), cuda.gridsize(1))

    return make_mean


class Kernels(NamedTuple):
    """The kernels of a round, in their order; the argument of each is as that of `kernel_for`."""

    gather: Any
    mean: Any
    update: Any


@cache
def kernels_for(types: tuple[type, ...], dtype: str) -> Kernels:
    """Return the kernels for plug-ins of these types, in the order of `Plugins`, and a dtype."""
    told = Rounds()
    return Kernels(
        kernel_of(Gather(), told, types, dtype),
        cuda.jit(_mean_kernel(np.dtype(dtype).type(0))),
        kernel_of(Update(), told, types, dtype),
    )
