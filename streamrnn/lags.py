"""What is known of the steps before, as inputs: of the network, and of the head alone.

The network may see the last target that is known. A head may ask for more beside its features: the
features of the step before, the levels of the last targets, and the last targets themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.changes import level
from streamrnn.columns import n_levels, n_told
from streamrnn.gradients.protocol import recall
from streamrnn.layout import Parts, Sizes, layer_inputs
from streamrnn.linalg import copy, fill
from streamrnn.statistics import FILLED, POSITION, Statistics
from streamrnn.views import row, vector
from streamrnn.workspace import Workspace

#: How inputs tell a target: numbers as they are in the ring, and 0 for one that is not known; 1 for
#: what holds, -1 for what does not, and 0 where that is not known; or a class as the one input of
#: several that is 1, and the others 0.
VALUES, SIGNS, ONE_HOT = range(3)


@glue
def tell(sizes: Sizes, target: np.ndarray, out: np.ndarray) -> None:
    """Write a target of the ring to `out`, (n_told,); zeros for what is not known."""
    fill(out, 0.0)
    if target[sizes.n_targets] == 0:
        return
    one = out.dtype.type(1)
    if sizes.lags_as == ONE_HOT:
        out[np.intp(target[0])] = one
        return
    first = sizes.n_targets - out.size  # of a series, its newest value
    for k in range(out.size):
        known = target[first + k]
        if known == known:
            out[k] = known + known - one if sizes.lags_as == SIGNS else known


@glue
def _last_known(sizes, targets, counters):
    """Return how many steps ago the last target was known, FILLED if none in the window is."""
    position: Any = np.intp(counters[POSITION])
    filled: Any = np.intp(counters[FILLED])
    for back in range(filled):
        if row(targets, (position - 1 - back) % sizes.truncation)[sizes.n_targets] != 0:
            return back
    return filled


@glue
def write_lags(sizes: Sizes, targets: np.ndarray, counters: np.ndarray, out: np.ndarray) -> None:
    """Write the last target that is known to `out`, (n_lags,); zeros if the window has none.

    Parameters
    ----------
    sizes
        The sizes of the model.
    targets
        The ring of targets, (K, n_targets + 1).
    counters
        Those of the statistics.
    out
        Written.
    """
    fill(out, 0.0)
    back = _last_known(sizes, targets, counters)
    if back < counters[FILLED]:
        position: Any = np.intp(counters[POSITION])
        tell(sizes, row(targets, (position - 1 - back) % sizes.truncation), out)


@glue
def write_recent(
    algorithm: tuple, sizes: Sizes, parts: Parts, statistics: Statistics, work: Workspace
) -> None:
    """Write what the head alone reads behind the lags in ``work.x``, all of which is written.

    Parameters
    ----------
    algorithm
        The gradient algorithm, which knows the features of the step before.
    sizes, parts, statistics, work
        The model.
    """
    counters = statistics.counters
    filled: Any = np.intp(counters[FILLED])
    position: Any = np.intp(counters[POSITION])
    start = layer_inputs(sizes, 0)
    if sizes.recent_inputs != 0:
        before = vector(work.x, start, sizes.n_inputs)
        fill(before, 0.0)
        if filled > 0:
            slot = (position - 1) % sizes.truncation
            h = vector(work.pre, 0, sizes.hidden_size)
            recall(algorithm, sizes, parts, slot, 0, h, work.x)
            copy(work.x, sizes.n_inputs, before)
        start += sizes.n_inputs
    n = n_told(sizes)
    for k in range(n_levels(sizes)):
        work.x[start] = level(sizes, statistics, k)
        start += 1
    back = _last_known(sizes, parts.targets, counters)
    for age in range(sizes.recent_targets):
        told = vector(work.x, start + age * n, n)
        if back + age < filled:
            r = (position - 1 - back - age) % sizes.truncation
            tell(sizes, row(parts.targets, r), told)
        else:
            fill(told, 0.0)
