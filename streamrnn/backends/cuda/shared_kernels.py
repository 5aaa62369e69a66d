"""The kernels of shared weights: gather gradients, make their mean, move the weights by it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from numba import cuda

from streamrnn.backends.cpu import INTEGER
from streamrnn.backends.cuda.kernels import compiled, kernel_of, lead
from streamrnn.backends.cuda.rounds import (
    N_WORDS,
    Rounds,
    add_up,
    gather_chunks,
    update_together,
)
from streamrnn.learner import Plugins
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


def _mean_kernel(digest: str, patterns: Plugins, real: Any) -> Callable[[int], None]:
    """Make the kernel each of whose threads has a parameter, for models of a precision."""

    def make_mean(address):
        digest  # noqa: B018  (a name in the closure is part of Numba's cache key)
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
        compiled(_mean_kernel, types, dtype),
        kernel_of(Update(), told, types, dtype),
    )
